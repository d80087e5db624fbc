"""The bead-spring polymer: its Hamiltonian, its exact law, and exact independent samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Generator, Tensor
from torch.nn.functional import normalize

from zoo.errors import UsageError
from zoo.polymer.dimerization import Estimate, draw, log_acceptance
from zoo.polymer.geometry import bond_vectors
from zoo.polymer.ideal import Ideal
from zoo.polymer.repulsion import within


@dataclass(frozen=True)
class Chain:
    """A chain of beads with springs, stiffness and excluded volume.

    U = Σ ½ k (r − r₀)² over bonds + Σ kb (1 − cos θ) over angles + Σ WCA over pairs of beads at
    least two bonds apart, in kT with lengths in bead diameters σ. Nothing is approximated:
    samples are independent, and the density is normalised.

    Args:
        beads: Number of beads, at least 2.
        dim: Dimension of space, 2 or 3.
        k: Spring constant, in kT/σ², positive.
        r0: Rest length of a bond, in σ, positive.
        kb: Bending stiffness, in kT, not negative.

    Raises:
        UsageError: If a value lies outside its range.

    Reference:
        Kremer & Grest, J. Chem. Phys. 92 (1990), 5057, doi:10.1063/1.458541 (the model, there
        with FENE bonds).

    Example:
        >>> chain = Chain(beads=3)
        >>> x = chain.sample(1000)
        >>> x.shape
        torch.Size([1000, 3, 2])
        >>> bool((chain.energy(x) > 0).all())
        True
    """

    beads: int = 12
    dim: int = 2
    k: float = 100.0
    r0: float = 1.0
    kb: float = 1.0

    def __post_init__(self) -> None:
        whole = isinstance(self.beads, int) and self.beads >= 2
        _require(whole, "beads", self.beads, "an integer of at least 2")
        _require(self.dim in (2, 3), "dim", self.dim, "2 or 3")
        _require(0 < self.k < math.inf, "k", self.k, "a positive spring constant in kT/σ²")
        _require(0 < self.r0 < math.inf, "r0", self.r0, "a positive length in σ")
        _require(0 <= self.kb < math.inf, "kb", self.kb, "a stiffness in kT of 0 or more")

    @property
    def ideal(self) -> Ideal:
        """The same chain without excluded volume."""
        return Ideal(dim=self.dim, k=self.k, r0=self.r0, kb=self.kb)

    def energy(self, x: Tensor) -> Tensor:
        """Energy of conformations, differentiable.

        Args:
            x: Conformations, shape (n, beads, dim), in σ.

        Returns:
            Energies, shape (n,), in kT.

        Raises:
            UsageError: If `x` has another shape.

        Example:
            >>> import torch
            >>> corner = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]])
            >>> Chain(beads=3).energy(corner).tolist()  # one right angle costs kb
            [1.0]
        """
        if x.ndim != 3 or x.shape[1:] != (self.beads, self.dim):
            raise UsageError(
                f"conformations have shape {tuple(x.shape)}; this chain has "
                f"(n, {self.beads}, {self.dim}) = (n, beads, dim). Reshape them, or choose the "
                "chain they belong to."
            )
        bonds = bond_vectors(x)
        stretch = bonds.square().sum(dim=-1).sqrt() - self.r0
        directions = normalize(bonds, dim=-1)  # a bond of no length has no angle, and no NaN
        cosines = (directions[:, 1:] * directions[:, :-1]).sum(dim=-1)
        springs = 0.5 * self.k * stretch.square().sum(dim=-1)
        return springs + self.kb * (1 - cosines).sum(dim=-1) + within(x)

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw exact, independent conformations.

        Args:
            n: How many, at least 1.
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            Centred conformations in uniformly random directions, shape (n, beads, dim), in σ.

        Raises:
            UsageError: If `n` is not positive, or if the chain can hardly avoid itself.

        Example:
            >>> Chain(beads=24, dim=3).sample(5).shape
            torch.Size([5, 24, 3])
        """
        _require(n >= 1, "n", n, "at least 1 conformation")
        return draw(self.ideal, n, self.beads, generator)

    def log_partition(self) -> Estimate:
        """Logarithm of Z = ∫ exp(−U) over centred conformations.

        Z = (closed form of the ideal chain) · (chance that it has no overlaps) / N^(dim/2). The
        last factor leads from bond vectors to the orthonormal coordinates that
        `zoo.Density.log_prob` is measured in: the squared volume ratio of the two is, for each
        dimension, det(D Dᵀ) = N, with D the matrix of differences. The chance is estimated at
        the first call, with a generator of its own, which takes seconds, and then kept.

        Returns:
            Natural logarithm of Z, in nats, of a volume in σ^((beads − 1)·dim), and its
            standard error.

        Example:
            >>> dimer = Chain(beads=2).log_partition()
            >>> round(dimer.value, 4), dimer.standard_error
            (-0.2389, 0.0)
        """
        free = log_acceptance(self.ideal, self.beads)
        shift = self.ideal.log_partition(self.beads) - 0.5 * self.dim * math.log(self.beads)
        return Estimate(shift + free.value, free.standard_error)

    def log_prob(self, x: Tensor) -> Tensor:
        """Normalised log-density over centred conformations, as `zoo.Density.log_prob` states.

        Args:
            x: Conformations, shape (n, beads, dim), in σ; a shift changes nothing.

        Returns:
            Natural logarithms, shape (n,), in nats per σ^((beads − 1)·dim).

        Raises:
            UsageError: If `x` has another shape.

        Example:
            >>> import torch
            >>> rod = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
            >>> round(Chain(beads=2).log_prob(rod).item(), 4)
            0.2389
        """
        return -self.energy(x) - self.log_partition().value


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise UsageError(f"{name} is {value!r}; expected {expected}. Change {name}.")
