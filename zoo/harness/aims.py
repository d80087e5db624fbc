"""The stages of guided generation, as records like those in `stages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.harness.identity import identify
from zoo.harness.stages import Stage, Train
from zoo.harness.store import Result
from zoo.registry import Choice

REGRESSOR_FILE = "regressor.safetensors"
WINDOWS_FILE = "windows.safetensors"


@dataclass(frozen=True)
class Steer(Stage):
    """See how a trained path can be steered; if it knows no labels, train a regressor for it."""

    name: ClassVar[str] = "steer"
    train: Train
    trained: Result
    sampler: Choice
    observable: str
    batch: int

    def identity(self) -> dict[str, Any]:
        return {
            "trained": self.trained.key,
            "sampler": identify(self.sampler),
            "observable": self.observable,
            "batch": self.batch,
        }


@dataclass(frozen=True)
class Windows(Stage):
    """Draw true conformations in which an observable is as wanted, for several values."""

    name: ClassVar[str] = "windows"
    dataset: Choice
    data: Result
    observable: str
    values: tuple[float, ...]
    draws: int

    def identity(self) -> dict[str, Any]:
        return {
            "dataset": identify(self.dataset),
            "data": self.data.files,
            "observable": self.observable,
            "values": list(self.values),
            "draws": self.draws,
        }


@dataclass(frozen=True)
class Hit(Stage):
    """Compare guided draws with true conformations in the window they were steered to."""

    name: ClassVar[str] = "hit"
    drawn: Result
    windows: Result
    dataset: Choice
    data: Result
    metrics: tuple[Choice, ...]
    observable: str
    value: float

    def identity(self) -> dict[str, Any]:
        return {
            "drawn": self.drawn.files,
            "windows": self.windows.files,
            "dataset": identify(self.dataset),
            "data": self.data.files,
            "metrics": [identify(metric) for metric in self.metrics],
            "observable": self.observable,
            "value": self.value,
        }
