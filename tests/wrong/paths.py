"""A right path, and wrong ones."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

import math

import torch
from torch import Tensor

import zoo
from zoo.generative import Denoiser, StraightSchedule
from zoo.polymer.coordinates import Rouse


class Way(Denoiser):
    """Right: standardised Rouse modes on straight lines, taken to be unit normals."""

    std: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.modes = Rouse(shape)
        self.size = self.modes.size
        self.register_buffer("std", torch.ones(self.size))

    def fit(self, x: Tensor) -> None:
        self.std = self.modes.encode(x).std(dim=0)

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        return StraightSchedule()(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        c = self.coefficients(t)
        return c.a * x_t / (c.a.square() + c.s.square())

    def decode(self, x: Tensor) -> Tensor:
        return self.modes.decode(x * self.std)


class Bold(Way):
    """Right: takes data for wider the more noise there is, and knows where its flow then ends."""

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        c, variance = self.coefficients(t), (1 + 2 * t).square()
        return c.a * variance * x_t / (c.a.square() * variance + c.s.square())

    def log_prob(self, x: Tensor) -> Tensor:
        z = self.modes.encode(x) / (self.width() * self.std)
        volume = torch.log(math.sqrt(2 * math.pi) * self.width() * self.std).sum()
        return -z.square().sum(dim=1) / 2 - volume

    def width(self) -> Tensor:
        """What all widths are multiplied by on the way from unit noise: exp(-∫ v(1, t) dt)."""
        times = torch.linspace(0.0, 1.0, 501, device=self.std.device).square()
        one = torch.ones(1, 1, device=self.std.device)
        rates = [self.velocity(one, t) for t in (times[1:] + times[:-1]) / 2]
        return torch.exp(-(torch.cat(rates)[:, 0] * times.diff()).sum())


class Modest(Bold):
    """Has draws of one width and a density of another."""

    def width(self) -> Tensor:
        return super().width() / 1.3


class WrongWay(Way):
    """Turns the sign of the velocity."""

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        return -super().velocity(x_t, t)


class WrongSlope(Way):
    """Has a derivative 1.2 times too large."""

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        c = super().coefficients(t)
        return c._replace(da=1.2 * c.da)


class LittleNoise(Way):
    """Ends with a third of the way to noise."""

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        c = super().coefficients(t / 3)
        return c._replace(da=c.da / 3, ds=c.ds / 3)


class Backwards(Way):
    """Calls data what is noise."""

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        c = super().coefficients(1 - t)
        return c._replace(da=-c.da, ds=-c.ds)


class Deaf(Way):
    """Takes a label, and is the same path with it."""

    condition = "rg"

    def given(self, value: float) -> zoo.Path:  # noqa: ARG002 - that it is not used is the fault
        return self
