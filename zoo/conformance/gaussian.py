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
        error: By how much, as a share, it takes the modes to be wider at t = 1 than they are; at
            t = 0 it is right. Its flow then ends in other widths, and other walks in others still.

    Example:
        >>> from zoo.generative import StraightSchedule
        >>> path = NormalPath(StraightSchedule())
        >>> path.denoise(torch.zeros(1, 4), torch.tensor(1.0)).tolist()[0][0]  # noise says nothing
        -1.0
    """

    def __init__(
        self, schedule: Schedule, mean: tuple[float, ...] = MEAN, error: float = 0.0
    ) -> None:
        super().__init__(mean)
        self.schedule = schedule
        self.error = error
        self.size = len(MEAN)

    def coefficients(self, t: Tensor) -> Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Prior mean, moved towards x_t / a by its share of the precision."""
        c = self.coefficients(t.expand(len(x_t), 1))  # as a network would: t is where x_t is
        variance = (self.std * (1 + self.error * t)).square()
        gain = c.a * variance / (c.a.square() * variance + c.s.square())
        return self.mean + gain * (x_t - c.a * self.mean)

    def flow_width(self) -> Tensor:
        """Standard deviations of the modes where its flow ends, shape (size,), by quadrature.

        The flow is linear, v = rate x for a mean of 0, so that a width changes by exp(∫ rate dt).

        Example:
            >>> from zoo.generative import StraightSchedule
            >>> path = NormalPath(StraightSchedule(), mean=(0.0,) * 4)
            >>> torch.allclose(path.flow_width(), path.std, rtol=1e-3)
            True
        """
        times = torch.linspace(0.0, 1.0, 1_001).square()
        one = torch.ones(1, self.size)
        start = self.coefficients(times[-1])
        rates = [self.velocity(one, t)[0] for t in (times[1:] + times[:-1]) / 2]
        shrunk = (torch.stack(rates) * times.diff()[:, None]).sum(dim=0)
        width: Tensor = torch.sqrt(start.a.square() + start.s.square()) * torch.exp(-shrunk)
        return width
