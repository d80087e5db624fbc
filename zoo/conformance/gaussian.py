"""Exact models for samplers: three beads in the plane whose Rouse modes are normal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.contracts import Coefficients, Model, OneShot
from zoo.generative import Denoiser, Schedule
from zoo.polymer.coordinates import Rouse

SHAPE = (3, 2)
MEAN = (-1.0, -0.3, 0.5, 1.2)
STD = (0.6, 0.9, 1.1, 1.4)


@dataclass(frozen=True)
class Spreading(Schedule):
    """a = 1, s = 3t: the data stay, and noise drowns them; the variance grows to ten.

    Example:
        >>> [x.item() for x in Spreading()(torch.tensor(0.5))]
        [1.0, 1.5, 0.0, 3.0]
    """

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]."""
        one = torch.ones_like(t)
        return Coefficients(one, 3 * t, 0 * one, 3 * one)


class _Normal(Model):
    """Holds the means and standard deviations of the modes, where a sampler can spoil them.

    Args:
        mean: Means of the modes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...] = MEAN) -> None:
        super().__init__()
        self.modes = Rouse(SHAPE)
        self.register_buffer("mean", torch.tensor(mean))
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
        noise = torch.randn(n, len(self.std), device=self.device)
        return self.decode(self.mean + self.std * noise)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density; Rouse modes are orthonormal."""
        z = (self.modes.encode(x) - self.mean) / self.std
        volume = self.std.log().sum() + len(self.std) / 2 * math.log(2 * math.pi)
        return -z.square().sum(dim=1) / 2 - volume


class NormalPath(_Normal, Denoiser):
    """Gives the exact posterior mean of its modes on any schedule, from the conjugate normal.

    Args:
        schedule: How data turns into noise.
        mean: Means of the modes; a walk cannot know them, so 0 where a(1) > 0.

    Example:
        >>> from zoo.generative import StraightSchedule
        >>> path = NormalPath(StraightSchedule())
        >>> path.denoise(torch.zeros(1, 4), torch.tensor(1.0)).tolist()[0][0]  # noise says nothing
        -1.0
    """

    def __init__(self, schedule: Schedule, mean: tuple[float, ...] = MEAN) -> None:
        super().__init__(mean)
        self.schedule = schedule
        self.size = len(MEAN)

    def coefficients(self, t: Tensor) -> Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Prior mean, moved towards x_t / a by its share of the precision."""
        c = self.coefficients(t.expand(len(x_t), 1))  # as a network would: t is where x_t is
        variance = self.std.square()
        gain = c.a * variance / (c.a.square() * variance + c.s.square())
        return self.mean + gain * (x_t - c.a * self.mean)
