"""Representations ready for a network: coordinates by name, with every number standardised."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo.contracts import Shape
from zoo.errors import UsageError
from zoo.polymer.coordinates import Aligned, Bonds, Internal, Representation, Rouse


class Standardized(Representation):
    """Another representation with each number shifted and scaled to mean 0, variance 1.

    Args:
        inner: The representation underneath.

    Example:
        >>> x = torch.tensor([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [3.0, 4.0]]])
        >>> z = Standardized(Bonds((2, 2)))
        >>> z.fit(x)
        >>> z.encode(x).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, inner: Representation) -> None:
        super().__init__(inner.shape, inner.size, oriented=inner.oriented)
        self.inner = inner
        self.register_buffer("mean", torch.zeros(inner.size))
        self.register_buffer("std", torch.ones(inner.size))

    def fit(self, x: Tensor) -> None:
        """Take mean and standard deviation from conformations (n, beads, dim)."""
        z = self.inner.encode(x)
        self.mean, self.std = z.mean(dim=0), z.std(dim=0, correction=0).clamp(min=1e-6)

    def encode(self, x: Tensor) -> Tensor:
        """Standardised vectors."""
        return (self.inner.encode(x) - self.mean) / self.std

    def decode(self, z: Tensor) -> Tensor:
        """The chain of a standardised vector."""
        return self.inner.decode(z * self.std + self.mean)

    def log_det(self, x: Tensor) -> Tensor:
        """That of the inner representation, and the volume of the scales."""
        return self.inner.log_det(x) - self.std.log().sum()


NAMES: dict[str, Callable[[Shape], Representation]] = {
    "internal": Internal,
    "bonds": Bonds,
    "rouse": Rouse,
    "aligned": Aligned,
}


def representation(name: str | None, shape: Shape) -> Standardized:
    """A standardised representation by its name.

    Args:
        name: One of `NAMES`; `None` takes internal coordinates in two dimensions, where turning
            angles stay away from ±π, and bond vectors in three, where dihedrals do not.
        shape: `(beads, dim)`.

    Raises:
        UsageError: If there is none of that name, or it does not fit the shape.

    Example:
        >>> representation(None, (12, 2)).size
        21
    """
    chosen = name or ("internal" if shape[1] == 2 and shape[0] > 2 else "bonds")
    if chosen not in NAMES:
        raise UsageError(f"no representation named {name!r}. There are: {', '.join(NAMES)}.")
    return Standardized(NAMES[chosen](shape))
