"""The bead-spring polymer as a dataset: exact, independent conformations at any length."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.polymer.chain import Chain


@dataclass(frozen=True)
class BeadSpring(zoo.ExactDataset):
    """Independent equilibrium conformations of a bead-spring chain whose density is known.

    Nothing is drawn before it is asked for. See `zoo.polymer.chain.Chain` for the energy.

    Args:
        beads: Number of beads, at least 2.
        dim: Dimension of space, 2 or 3.
        k: Spring constant, in kT/σ².
        r0: Rest length of a bond, in σ.
        kb: Bending stiffness, in kT.
        n_train: Training conformations.
        n_test: Test conformations.
        seed: Which training and test conformations; `fresh` ones do not depend on it.

    Raises:
        zoo.errors.UsageError: If a parameter of the chain lies outside its range.

    Example:
        >>> train, test = BeadSpring(n_train=30, n_test=20).split()
        >>> train.shape, test.shape
        (torch.Size([30, 12, 2]), torch.Size([20, 12, 2]))
    """

    beads: int = 12
    dim: int = 2
    k: float = 100.0
    r0: float = 1.0
    kb: float = 1.0
    n_train: int = 10_000
    n_test: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.chain  # a wrong value is reported now, not in the middle of a run
        for name, n in (("n_train", self.n_train), ("n_test", self.n_test)):
            if n < 1:
                raise UsageError(f"{name} is {n}; expected at least 1. Change {name}.")

    @property
    def chain(self) -> Chain:
        """The polymer behind the data."""
        return Chain(beads=self.beads, dim=self.dim, k=self.k, r0=self.r0, kb=self.kb)

    def split(self) -> tuple[Tensor, Tensor]:
        """Training and test conformations, independent of each other, the same at every call."""
        # A seed of its own kind: torch.manual_seed(0) elsewhere must not give these chains again.
        words = f"bead-spring split {self.seed}".encode()
        seed = int.from_bytes(hashlib.sha256(words).digest()[:7], "big")
        generator = torch.Generator().manual_seed(seed)
        train = self.chain.sample(self.n_train, generator)
        return train, self.chain.sample(self.n_test, generator)

    def fresh(self, n: int) -> Tensor:
        """New independent conformations, shape (n, beads, dim), from torch's random state."""
        return self.chain.sample(n)

    def energy(self, x: Tensor) -> Tensor:
        """Energy of conformations (n, beads, dim), shape (n,), in kT."""
        return self.chain.energy(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density in the measure of `zoo.Density.log_prob`, shape (n,), in nats."""
        return self.chain.log_prob(x)
