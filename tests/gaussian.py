"""Paths that need no network: data normal in every coordinate, where all is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.generative import Denoiser, Schedule, VelocityField


@dataclass(frozen=True)
class ExplodingSchedule(Schedule):
    """a = 1, s = 5t: the data stay, and the noise drowns them; no variance is preserved."""

    def __call__(self, t: Tensor) -> zoo.Coefficients:
        """Coefficients at times t in [0, 1]."""
        one = torch.ones_like(t)
        return zoo.Coefficients(one, 5 * t, 0 * one, 5 * one)


class _Normal(zoo.Path):
    """Data N(mean, diag(var)) on any schedule; `calls` counts uses of the exact function.

    Args:
        schedule: How data turns into noise.
        mean: Means, shape (size,), size even.
        var: Variances, shape (size,).
    """

    def __init__(self, schedule: Schedule, mean: Tensor, var: Tensor) -> None:
        super().__init__()
        self.schedule = schedule
        self.size = len(mean)
        self.mean, self.var = mean, var
        self.calls = 0

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def decode(self, x: Tensor) -> Tensor:
        """The same numbers as chains in the plane."""
        return x.reshape(len(x), self.size // 2, 2)


class GaussianPath(_Normal, Denoiser):
    """Gives the exact posterior mean, from the conjugate normal."""

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Prior mean, pulled towards x_t / a by its share of the precision."""
        self.calls += 1
        c = self.coefficients(t)
        gain = c.a * self.var / (c.a.square() * self.var + c.s.square())
        return self.mean + gain * (x_t - c.a * self.mean)


class GaussianField(_Normal, VelocityField):
    """Gives the exact velocity, from the flow map of `flow`."""

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Motion of the centre a m, and growth of the distance from it with the width."""
        self.calls += 1
        c = self.coefficients(t)
        width = c.a.square() * self.var + c.s.square()
        growth = (c.a * c.da * self.var + c.s * c.ds) / width
        return c.da * self.mean + growth * (x_t - c.a * self.mean)


def flow(model: GaussianPath | GaussianField, x_t: Tensor, t: float, r: float) -> Tensor:
    """Exact probability flow from time t to time r: normals map onto normals, monotonically."""
    at, to = (model.coefficients(torch.tensor(u, dtype=x_t.dtype)) for u in (t, r))
    spread_t = torch.sqrt(at.a.square() * model.var + at.s.square())
    spread_r = torch.sqrt(to.a.square() * model.var + to.s.square())
    return to.a * model.mean + spread_r / spread_t * (x_t - at.a * model.mean)


def moments(size: int) -> tuple[Tensor, Tensor]:
    """Means and variances, none of them 0 or 1, in double precision."""
    mean = torch.linspace(-1.0, 1.5, size, dtype=torch.float64)
    return mean, torch.linspace(0.3, 2.2, size, dtype=torch.float64)
