"""The chain without excluded volume: a random walk that can be drawn and normalised exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.special import i0e, ndtr
from torch import Generator, Tensor

from zoo.polymer.geometry import center
from zoo.polymer.rejection import first_accepted


@dataclass(frozen=True)
class Ideal:
    """Bonds and angles of a chain, independent of one another.

    U = Σ ½ k (r − r₀)² + Σ kb (1 − cos θ), in kT. `zoo.polymer.chain.Chain` checks the values.

    Args:
        dim: 2 or 3.
        k: Spring constant in kT/σ², positive.
        r0: Rest length in σ, positive.
        kb: Bending stiffness in kT, not negative.

    Example:
        >>> Ideal(dim=2, k=100.0, r0=1.0, kb=1.0).grow(5, beads=4, generator=None).shape
        torch.Size([5, 4, 2])
    """

    dim: int
    k: float
    r0: float
    kb: float

    def grow(self, n: int, beads: int, generator: Generator | None) -> Tensor:
        """Draw walks in uniformly random directions, bond after bond.

        Args:
            n: How many.
            beads: Beads of each, at least 2.
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            Independent centred conformations, shape (n, beads, dim), in σ.
        """
        direction = unit(torch.randn(n, self.dim, generator=generator))
        lengths = self.lengths(n * (beads - 1), generator).view(n, beads - 1, 1)
        x = [torch.zeros_like(direction)]
        for i in range(beads - 1):
            if i > 0:
                direction = self.turn(direction, generator)
            x.append(x[-1] + lengths[:, i] * direction)
        return center(torch.stack(x, dim=1))

    def lengths(self, n: int, generator: Generator | None) -> Tensor:
        """Draw bond lengths from r^(dim − 1) exp(−½ k (r − r₀)²).

        At the mode r* the power is below its tangent exponential, which turns the normal into
        one about r*; a proposal from there is accepted with (t e^(1 − t))^(dim − 1), t = r/r*.

        Args:
            n: How many.
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            Independent lengths, shape (n,), in σ.

        Example:
            >>> bool((Ideal(dim=3, k=1.0, r0=1.0, kb=0.0).lengths(100, None) > 0).all())
            True
        """
        mode = (self.r0 + math.sqrt(self.r0**2 + 4 * (self.dim - 1) / self.k)) / 2

        def propose(count: int) -> Tensor:
            t = 1 + torch.randn(count, generator=generator) / (mode * math.sqrt(self.k))
            chance = (t.clamp(min=0) * torch.exp(1 - t)) ** (self.dim - 1)
            return t[torch.rand(count, generator=generator) < chance]

        return mode * first_accepted(n, propose, at_once=1_048_576)

    def turn(self, direction: Tensor, generator: Generator | None) -> Tensor:
        """Draw the direction of the bond that follows a bond.

        Args:
            direction: Unit vectors, shape (n, dim).
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            Unit vectors at a random angle θ from `direction`, shape (n, dim), with density
            proportional to exp(kb cos θ) on the circle or sphere.
        """
        n = len(direction)
        drop = self.drops(n, generator)[:, None]
        if self.dim == 2:
            sign = 1 - 2.0 * torch.randint(2, (n, 1), generator=generator)
            side = sign * torch.stack([-direction[:, 1], direction[:, 0]], dim=-1)
        else:
            side = unit(torch.linalg.cross(direction, torch.randn(n, 3, generator=generator)))
        return (1 - drop) * direction + (drop * (2 - drop)).clamp(min=0).sqrt() * side

    def drops(self, n: int, generator: Generator | None) -> Tensor:
        """Draw 1 − cos θ, which keeps its digits when the chain is stiff.

        In space cos θ has a truncated exponential density, inverted in closed form. In the
        plane θ is von Mises: proposals from a wrapped Cauchy law, accepted with c e^(1 − c).

        Args:
            n: How many.
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            Independent values in [0, 2], shape (n,).

        Reference:
            Best & Fisher, Applied Statistics 28 (1979), 152-157.

        Example:
            >>> stiff = Ideal(dim=2, k=1.0, r0=1.0, kb=1e6)
            >>> stiff.drops(100, None).max().item() < 1e-4
            True
        """
        if self.dim == 3:
            u = torch.rand(n, generator=generator)
            if self.kb == 0:
                return 2 * u
            return -torch.log1p(u * math.expm1(-2 * self.kb)) / self.kb
        if self.kb == 0:
            return 1 - torch.cos(torch.rand(n, generator=generator) * math.pi)
        half = 0.5 / self.kb
        excess = half + half**2 / (1 + math.sqrt(1 + half**2))  # r − 1 in Best & Fisher's terms

        def propose(count: int) -> Tensor:
            z = 2 * torch.sin(torch.rand(count, generator=generator) * (math.pi / 2)).square()
            drop = excess * z / (2 + excess - z)
            c = self.kb * (excess + drop)
            return drop[torch.rand(count, generator=generator) < c * torch.exp(1 - c)]

        return first_accepted(n, propose, at_once=1_048_576)

    def log_partition(self, beads: int) -> float:
        """Logarithm of ∫ exp(−U) over all bond vectors, in closed form.

        Args:
            beads: Beads of the chain, at least 2.

        Returns:
            Natural logarithm, in nats, of a volume in σ^((beads − 1)·dim).

        Example:
            >>> free = Ideal(dim=2, k=1e4, r0=1.0, kb=0.0)  # a circle of width √(2π/k) per bond
            >>> volume = 2 * math.pi * math.sqrt(2 * math.pi / 1e4)
            >>> round(free.log_partition(3) / math.log(volume), 6)
            2.0
        """
        width = 1 / math.sqrt(self.k)
        bell = math.sqrt(2 * math.pi) * width * float(ndtr(self.r0 / width))
        edge = width**2 * math.exp(-0.5 * (self.r0 / width) ** 2)
        if self.dim == 2:
            length = self.r0 * bell + edge
            angle = 2 * math.pi * float(i0e(self.kb))
        else:
            length = (self.r0**2 + width**2) * bell + self.r0 * edge
            angle = 4 * math.pi
            if self.kb > 0:
                angle = -2 * math.pi * math.expm1(-2 * self.kb) / self.kb
        sphere = 2 * math.pi * (self.dim - 1)
        return (
            math.log(sphere) + (beads - 1) * math.log(length) + max(beads - 2, 0) * math.log(angle)
        )


def unit(v: Tensor) -> Tensor:
    """Scale vectors to length 1.

    Args:
        v: Vectors, shape (..., dim), not zero.

    Returns:
        Unit vectors, shape (..., dim).

    Example:
        >>> [round(component, 3) for component in unit(torch.tensor([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """
    return v / v.square().sum(dim=-1, keepdim=True).sqrt()
