"""Exact models for samplers: three beads in the plane whose Rouse modes are normal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.contracts import Coefficients, Model, OneShot
from zoo.generative import Denoiser, Schedule
from zoo.polymer.coordinates import Rouse

SHAPE = (3, 2)
MEAN = (-1.0, -0.3, 0.5, 1.2)
STD = (0.6, 0.9, 1.1, 1.4)


class _Normal(Model):
    """Holds the means and standard deviations of the modes, where a sampler can spoil them."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.modes = Rouse(SHAPE)
        self.register_buffer("mean", torch.tensor(MEAN))
        self.register_buffer("std", torch.tensor(STD))

    def decode(self, x: Tensor) -> Tensor:
        """The chain with these modes, shape (n, 3, 2)."""
        return self.modes.decode(x)


class NormalModel(_Normal, OneShot):
    """Draws its modes from their normal distribution, and knows its density.

    Example:
        >>> NormalModel().draw(4).shape
        torch.Size([4, 3, 2])
    """

    def draw(self, n: int) -> Tensor:
        """Exact draws."""
        return self.decode(self.mean + self.std * torch.randn(n, len(self.std)))

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density; Rouse modes are orthonormal."""
        z = (self.modes.encode(x) - self.mean) / self.std
        volume = self.std.log().sum() + len(self.std) / 2 * math.log(2 * math.pi)
        return -z.square().sum(dim=1) / 2 - volume


class NormalPath(_Normal, Denoiser):
    """Gives the exact posterior mean of its modes on any schedule, from the conjugate normal.

    Args:
        schedule: How data turns into noise.

    Example:
        >>> from zoo.generative import StraightSchedule
        >>> path = NormalPath(StraightSchedule())
        >>> path.denoise(torch.zeros(1, 4), torch.tensor(1.0)).tolist()[0][0]  # noise says nothing
        -1.0
    """

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule
        self.size = len(MEAN)

    def coefficients(self, t: Tensor) -> Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Prior mean, moved towards x_t / a by its share of the precision."""
        c = self.coefficients(t)
        variance = self.std.square()
        gain = c.a * variance / (c.a.square() * variance + c.s.square())
        return self.mean + gain * (x_t - c.a * self.mean)
