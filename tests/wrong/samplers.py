"""A right sampler, and wrong ones."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

import zoo


@dataclass(frozen=True)
class Walk(zoo.Sampler[zoo.Path]):
    """Right: steps along straight lines, with fresh noise for a part of the old."""

    steps: int = 100
    stop: int = 0
    sign: float = 1.0
    kept: float = 0.6
    added: float = 0.8

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        x = torch.randn(n, model.size)
        times = torch.linspace(1.0, 0.0, self.steps + 1)[: self.steps + 1 - self.stop]
        for t, r in pairwise(times):
            c, later = model.coefficients(t), model.coefficients(r)
            data = model.denoise(x, t)
            noise = self.sign * (x - c.a * data) / c.s
            if r > 0.3:
                noise = self.kept * noise + self.added * torch.randn_like(x)
            x = later.a * data + later.s * noise
        return model.decode(x)


@dataclass
class Thawed(zoo.Sampler[zoo.Path]):
    """Lets its settings be changed."""

    steps: int = 100

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        return Walk(self.steps).sample(model, n)


@dataclass(frozen=True)
class StopsHalfWay(Walk):
    """Leaves half of the steps out."""

    stop: int = 50


@dataclass(frozen=True)
class TurnsBack(Walk):
    """Takes the noise with the wrong sign."""

    sign: float = -1.0
    kept: float = 1.0
    added: float = 0.0


@dataclass(frozen=True)
class ForgetsNoise(Walk):
    """Takes noise away and adds none."""

    added: float = 0.0


@dataclass(frozen=True)
class MovesModel(Walk):
    """Writes to the model's buffers."""

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        x = super().sample(model, n)
        for buffer in model.buffers():
            buffer.add_(1e-3)
        return x


@dataclass(frozen=True)
class LeavesTraining(Walk):
    """Leaves the model in training mode."""

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        model.train()
        return super().sample(model, n)
