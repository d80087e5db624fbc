"""A right path, and wrong ones."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

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
