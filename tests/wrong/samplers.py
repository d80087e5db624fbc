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
    spread: float | None = None

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        times = torch.linspace(1.0, 0.0, self.steps + 1, device=model.device)
        c = model.coefficients(times[0])
        spread = torch.sqrt(c.a.square() + c.s.square()) if self.spread is None else self.spread
        x = spread * torch.randn(n, model.size, device=model.device)
        for k, (t, r) in enumerate(pairwise(times[: self.steps + 1 - self.stop])):
            c, later = model.coefficients(t), model.coefficients(r)
            data = model.denoise(x, t)
            noise = (x - c.a * data) / c.s
            if k < 0.7 * self.steps:
                noise = self.kept * noise + self.added * torch.randn_like(x)
            x = later.a * data + later.s * noise
        return model.decode(self.sign * x)


@dataclass(frozen=True)
class Straight(Walk):
    """Right: goes where the flow goes."""

    kept: float = 1.0
    added: float = 0.0


@dataclass(frozen=True)
class StartsSmall(Walk):
    """Starts from unit noise, however much there should be, and walks straight on."""

    spread: float | None = 1.0
    kept: float = 1.0
    added: float = 0.0


@dataclass(frozen=True)
class EachTwice(Walk):
    """Gives every conformation twice."""

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        return super().sample(model, (n + 1) // 2).repeat(2, 1, 1)[:n]


@dataclass(frozen=True)
class OnTheCPU(Walk):
    """Forgets where the model is."""

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        x = torch.randn(n, model.size)
        data = model.denoise(x, torch.tensor(1.0))
        return super().sample(model, n) + 0 * data.mean()


class Undecorated(Walk):
    """Inherits a frozen dataclass, and is none."""


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
    """Ends with the wrong sign."""

    sign: float = -1.0


@dataclass(frozen=True)
class ForgetsNoise(Walk):
    """Takes noise away and adds too little."""

    added: float = 0.4


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
