"""Models whose draws or densities are wrong."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from tests.wrong.models import Normal


class Flat(Normal):
    """Draws vectors."""

    def draw(self, n: int) -> Tensor:
        return super().draw(n).flatten(1)


class LivesOnTheCPU(Normal):
    """Draws on the CPU wherever it is."""

    def noise(self, n: int) -> Tensor:
        return torch.randn(n, self.modes.size)


class LeavesATensorBehind(Normal):
    """Keeps a tensor that does not move with it."""

    def fit(self, x: Tensor) -> None:
        super().fit(x)
        self.ones = torch.ones_like(self.std)

    def width(self) -> Tensor:
        return super().width() * getattr(self, "ones", 1.0)


class EachTwice(Normal):
    """Draws each conformation twice."""

    def noise(self, n: int) -> Tensor:
        return super().noise((n + 1) // 2).repeat(2, 1)[:n]


class OneIsNaN(Normal):
    """Fails once in a thousand."""

    def draw(self, n: int) -> Tensor:
        x = super().draw(n)
        x[n // 2, 0, 0] = math.nan if n == 1_000 else x[n // 2, 0, 0]
        return x


class Double(Normal):
    """Draws in double precision."""

    def draw(self, n: int) -> Tensor:
        return super().draw(n).double()


class OwnStream(Normal):
    """Has a stream of random numbers of its own."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__(shape)
        self.stream = np.random.default_rng(0)

    def noise(self, n: int) -> Tensor:
        found = torch.from_numpy(self.stream.standard_normal((n, self.modes.size)))
        return found.float().to(self.device)


class FixedGenerator(Normal):
    """Draws the same for ever."""

    def noise(self, n: int) -> Tensor:
        found = torch.randn(n, self.modes.size, generator=torch.Generator().manual_seed(0))
        return found.to(self.device)


class ColumnOfDensities(Normal):
    """Keeps a dimension too many."""

    def loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x)[:, None]


class FeelsShifts(Normal):
    """Does not centre."""

    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x) - x.mean(dim=(1, 2)).square()


class HalfTooMuch(Normal):
    """Forgets a constant."""

    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x) + math.log(1.5)


class Rods(Normal):
    """Draws rods, which have no density, and says that they have one."""

    def draw(self, n: int) -> Tensor:
        x = super().draw(n)
        return torch.linspace(-1, 1, x.shape[1], device=x.device)[:, None] * x[:, -1:]


class NoLogDeterminant(Normal):
    """Forgets the volume of its scales."""

    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x) + self.width().log().sum()

    def loss(self, x: Tensor) -> Tensor:
        return -super().log_prob(x).mean()
