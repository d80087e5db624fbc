"""True conformations for checks: small sets of the bead-spring chain, and it as a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from zoo.contracts import ExactDataset, Shape
from zoo.polymer.chain import Chain

SHAPE: Shape = (12, 2)
"""The shape most checks are made with."""

SMALL: Shape = (3, 2)
"""Three beads in the plane: small enough to see whether a density is normalised."""


def truth(shape: Shape, n: int, seed: int = 0) -> Tensor:
    """True conformations, the same at every call and nobody else's.

    Args:
        shape: `(beads, dim)`.
        n: How many.
        seed: Which ones.

    Returns:
        Conformations, shape (n, beads, dim), in σ.

    Example:
        >>> truth((12, 2), 5).shape
        torch.Size([5, 12, 2])
    """
    return _truth(shape, n, seed).clone()


@cache
def _truth(shape: Shape, n: int, seed: int) -> Tensor:
    beads, dim = shape
    return Chain(beads=beads, dim=dim).sample(n, torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class ChainData(ExactDataset):
    """The chain as a small dataset, for models that need one.

    Args:
        shape: `(beads, dim)`.
    """

    shape: Shape

    @property
    def chain(self) -> Chain:
        """The polymer behind the data."""
        return Chain(beads=self.shape[0], dim=self.shape[1])

    def split(self) -> tuple[Tensor, Tensor]:
        """A few training and test conformations."""
        return truth(self.shape, 256), truth(self.shape, 256, seed=1)

    def fresh(self, n: int) -> Tensor:
        """New independent conformations, shape (n, beads, dim)."""
        return self.chain.sample(n)

    def energy(self, x: Tensor) -> Tensor:
        """Energy of conformations (n, beads, dim), shape (n,), in kT."""
        return self.chain.energy(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density of conformations (n, beads, dim), shape (n,), in nats."""
        return self.chain.log_prob(x)
