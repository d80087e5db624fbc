"""A right metric, and wrong ones."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

import zoo
from zoo.polymer import radius_of_gyration


@dataclass(frozen=True)
class Size(zoo.Metric):
    """Right: relative error of the mean radius of gyration."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        means = [radius_of_gyration(x).mean() for x in (drawn.conformations, data.test)]
        return abs(float(means[0] / means[1]) - 1)


@dataclass(frozen=True)
class GivesTensor(Size):
    """Gives a tensor."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> Any:
        return torch.tensor(super().compute(drawn, data))


@dataclass(frozen=True)
class SecretNeed(Size):
    """Uses an energy that its spec does not ask for."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        return super().compute(drawn, data) + 0 * data.energy(data.test).sum().item()  # type: ignore[misc]


@dataclass(frozen=True)
class Weighs(zoo.Metric):
    """Uses the density of draws, and its spec asks for that of test conformations."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:  # noqa: ARG002
        return float(drawn.log_prob.mean())  # type: ignore[union-attr]


@dataclass(frozen=True)
class ThrowsDice(Size):
    """Has another value every time."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        return super().compute(drawn, data) + 1e-6 * torch.rand(()).item()


@dataclass(frozen=True)
class WastesDice(Size):
    """Moves everybody's random numbers on."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        torch.rand(())
        return super().compute(drawn, data)


@dataclass(frozen=True)
class DropsNaN(Size):
    """Leaves out what is not a number."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        x = drawn.conformations
        kept = x[torch.isfinite(x).flatten(1).all(dim=1)]
        return super().compute(zoo.Drawn(kept), data)


@dataclass(frozen=True)
class SpoilsInput(Size):
    """Doubles the test set."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        value = super().compute(drawn, data)
        data.test.mul_(2)
        return value


@dataclass(frozen=True)
class NeverZero(Size):
    """Is best at one half, and says zero."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        return super().compute(drawn, data) + 0.5


@dataclass(frozen=True)
class LikesExpansion(Size):
    """Likes chains that are too large by a tenth."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        return abs(math.sin(math.pi * super().compute(drawn, data) / 0.1))


@dataclass(frozen=True)
class Blind(Size):
    """Sees nothing."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        return 0 * super().compute(drawn, data)


@dataclass(frozen=True)
class Negative(Size):
    """Is best when large, and says lower is better."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        return -super().compute(drawn, data)
