"""A right dataset, and wrong ones."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import zoo
from zoo.polymer import center
from zoo.polymer.chain import Chain


@dataclass(frozen=True)
class Chains(zoo.ExactDataset):
    """Right: a few bead-spring chains."""

    def split(self) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(17)
        return Chain().sample(600, generator), Chain().sample(600, generator)

    def fresh(self, n: int) -> Tensor:
        return Chain().sample(n)

    def energy(self, x: Tensor) -> Tensor:
        return Chain().energy(x)

    def log_prob(self, x: Tensor) -> Tensor:
        return Chain().log_prob(x)


@dataclass(frozen=True)
class DoubleSplit(Chains):
    """Has a test set in double precision."""

    def split(self) -> tuple[Tensor, Tensor]:
        train, test = super().split()
        return train, test.double()


@dataclass(frozen=True)
class SplitsAnew(Chains):
    """Splits otherwise every time."""

    def split(self) -> tuple[Tensor, Tensor]:
        return self.fresh(600), self.fresh(600)


@dataclass(frozen=True)
class TakesFromEverybody(Chains):
    """Splits alike every time, and moves Python's random numbers on."""

    def split(self) -> tuple[Tensor, Tensor]:
        random.random()  # noqa: S311
        return super().split()


@dataclass(frozen=True)
class Leaks(Chains):
    """Has a training chain in its test set, turned over and moved."""

    def split(self) -> tuple[Tensor, Tensor]:
        train, test = super().split()
        test[7] = center(train[3:4])[0].flip(1) + 5  # turned over and moved
        return train, test


@dataclass(frozen=True)
class StaleFresh(Chains):
    """Draws the same for ever."""

    def fresh(self, n: int) -> Tensor:
        return Chain().sample(n, torch.Generator().manual_seed(5))


@dataclass(frozen=True)
class OtherUnit(Chains):
    """Has its energy in kcal/mol."""

    def energy(self, x: Tensor) -> Tensor:
        return 0.6 * super().energy(x)


@dataclass(frozen=True)
class NoNormalisation(Chains):
    """Leaves ln Z out."""

    def log_prob(self, x: Tensor) -> Tensor:
        return -self.energy(x)


@dataclass(frozen=True)
class Frames(zoo.Dataset):
    """Right: chains whose energy is known, and nothing else."""

    def split(self) -> tuple[Tensor, Tensor]:
        return Chains().split()

    def energy(self, x: Tensor) -> Tensor:
        return Chain().energy(x)


@dataclass(frozen=True)
class OneEnergy(Frames):
    """Knows one energy for all."""

    def energy(self, x: Tensor) -> Any:
        del x
        return 7.0


@dataclass(frozen=True)
class FramesWithoutNormalisation(Frames):
    """Leaves ln Z out where nothing fresh can be drawn."""

    def log_prob(self, x: Tensor) -> Tensor:
        return -self.energy(x)


@dataclass(frozen=True)
class StifferFresh(Chains):
    """Draws fresh chains that are stiffer."""

    def fresh(self, n: int) -> Tensor:
        return Chain(kb=2.0).sample(n)
