"""What may be timed, as records like those in `stages`: entries, and two yardsticks beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.harness.identity import identify
from zoo.harness.stages import Stage, Train
from zoo.harness.store import Result
from zoo.registry import Choice


@dataclass(frozen=True)
class Time(Stage):
    """Time one entry, in turn with all others."""

    name: ClassVar[str] = "time"
    train: Train
    trained: Result
    sampler: Choice
    batch: int
    rounds: int
    round_seconds: float
    seconds: float
    device: str
    threads: int
    machine: str
    compiled: bool = False
    """Whether network calls are compiled first."""
    alongside: str = ""
    """Digest of all entries timed in turn with it: alone, it would be another figure."""

    def identity(self) -> dict[str, Any]:
        return {
            "trained": self.trained.key,
            "sampler": identify(self.sampler),
            "dataset": identify(self.train.dataset),
            "batch": self.batch,
            "rounds": self.rounds,
            "round_seconds": self.round_seconds,
            "seconds": self.seconds,
            "device": self.device,
            "threads": self.threads,
            "machine": self.machine,
            "compiled": self.compiled,
            "alongside": self.alongside,
        }


@dataclass(frozen=True)
class Kernel:
    """A fixed matrix product, timed beside the entries: a yardstick for the machine."""

    device: str
    threads: int
    round_seconds: float


@dataclass(frozen=True)
class Exact:
    """A dataset's exact sampler, timed beside the entries."""

    dataset: Choice
    device: str
    threads: int
    round_seconds: float


Clocked = Time | Kernel | Exact
"""What a child process may be asked to time."""
