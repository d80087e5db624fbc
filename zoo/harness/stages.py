"""The stages of a run as small picklable records: what each of them depends on.

`identity` names everything that can change a stage's numbers; its digest is the key under
which the result is kept. What is done at a stage stands in the modules that `child` imports,
so that planning costs no torch.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import zoo
from zoo.errors import PluginError
from zoo.harness.store import Result, digest
from zoo.registry import Choice, source_hash

DATA_FILE = "data.safetensors"
REPLICAS_FILE = "replicas.safetensors"
WEIGHTS_FILE = "weights.safetensors"
DRAWN_FILE = "drawn.safetensors"

CANARY_NAMES = ("expanded", "blurred", "truncated", "copied")
"""The ways of being wrong that metrics are tried on, see `zoo.polymer.canaries`."""

Tell = Callable[[dict[str, Any]], None]
"""Takes a progress message of a running stage: `done`, `total`, perhaps `loss`."""


class Stage(ABC):
    """One step of a job, kept under a key."""

    name: ClassVar[str]

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Everything that can change the result, as JSON."""

    @property
    def key(self) -> str:
        """Short digest of the identity."""
        common = {"stage": self.name, "source": _own_source(self.name), "versions": _versions()}
        return digest(common | self.identity())[:20]


@dataclass(frozen=True)
class Materialise(Stage):
    """Write a dataset's training and test conformations, and replicas of the latter, to files."""

    name: ClassVar[str] = "data"
    dataset: Choice

    def identity(self) -> dict[str, Any]:
        return {"dataset": identify(self.dataset)}


@dataclass(frozen=True)
class Train(Stage):
    """Train one model with one seed."""

    name: ClassVar[str] = "train"
    model: Choice
    dataset: Choice
    data: Result
    seed: int
    epochs: int
    own_epochs: bool
    device: str

    def identity(self) -> dict[str, Any]:
        return {
            "model": identify(self.model),
            "data": self.data.facts["sha256"],
            "dataset": identify(self.dataset) if self.model.listing.spec.needs else None,
            "seed": self.seed,
            "epochs": self.epochs,
            "own_epochs": self.own_epochs,
            "device": self.device,
        }


@dataclass(frozen=True)
class Sample(Stage):
    """Draw conformations from a trained model with one sampler."""

    name: ClassVar[str] = "sample"
    train: Train
    trained: Result
    sampler: Choice
    draws: int
    batch: int

    def identity(self) -> dict[str, Any]:
        return {
            "trained": self.trained.key,
            "data": self.train.data.files,
            "sampler": identify(self.sampler),
            "draws": self.draws,
            "batch": self.batch,
        }


@dataclass(frozen=True)
class Score(Stage):
    """Compute every metric of one drawn set, and how much chance there is in each."""

    name: ClassVar[str] = "score"
    drawn: Result
    dataset: Choice
    data: Result
    metrics: tuple[Choice, ...]
    replicas: int = 0
    """Other test sets of the same size that it is scored against."""
    draw_groups: int = 0
    """Groups of conformations that are left out in turn."""

    def identity(self) -> dict[str, Any]:
        return {
            "drawn": self.drawn.files,
            "dataset": identify(self.dataset),
            "data": self.data.files,
            "metrics": [identify(metric) for metric in self.metrics],
            "replicas": self.replicas,
            "draw_groups": self.draw_groups,
        }


@dataclass(frozen=True)
class Floor(Stage):
    """Compute every metric between independent sets of true conformations."""

    name: ClassVar[str] = "floor"
    dataset: Choice
    data: Result
    metrics: tuple[Choice, ...]
    draws: int
    repeats: int

    def identity(self) -> dict[str, Any]:
        return _true_sets(self)


@dataclass(frozen=True)
class Power(Stage):
    """Compute every metric of true conformations spoilt in one way, by degrees."""

    name: ClassVar[str] = "power"
    dataset: Choice
    data: Result
    metrics: tuple[Choice, ...]
    canary: str
    draws: int
    repeats: int

    def identity(self) -> dict[str, Any]:
        return _true_sets(self) | {"canary": self.canary}


def _true_sets(stage: Floor | Power) -> dict[str, Any]:
    """What metrics of fresh true conformations depend on."""
    return {
        "dataset": identify(stage.dataset),
        "data": stage.data.facts["sha256"],
        "metrics": [identify(metric) for metric in stage.metrics],
        "draws": stage.draws,
        "repeats": stage.repeats,
    }


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


def identify(choice: Choice) -> dict[str, Any]:
    """What makes a chosen plugin the one it is: package, version, source and options."""
    try:
        source = source_hash(choice.listing)
    except PluginError:
        source = ""  # its import will fail as well, in the child, which says so
    return {
        "plugin": choice.listing.qualified,
        "version": choice.listing.plugin.version,
        "source": source,
        "options": dict(choice.options),
    }


def code_of(metrics: tuple[Choice, ...]) -> list[Any]:
    """All code but a model's and a sampler's that a row's numbers depend on."""
    stages = [_own_source(stage) for stage in ("train", "sample", "score")]
    return [stages, _versions(), [identify(metric) for metric in metrics]]


def _versions() -> dict[str, str]:
    """Versions of the libraries that compute."""
    return {name: version(name) for name in ("numpy", "scipy", "torch", "torchdiffeq")}


_SHARED_SOURCE = ("contracts.py", "polymer/*.py", "generative/*.py", "harness/data.py")
_STAGE_SOURCE = {
    "data": (),
    "train": ("harness/training.py",),
    "sample": ("harness/training.py", "harness/sampling.py"),
    "score": ("harness/scoring.py",),
    "floor": ("harness/scoring.py",),
    "power": ("harness/scoring.py", "harness/power.py"),
    "time": (
        *("harness/training.py", "harness/sampling.py", "harness/timing.py"),
        *("harness/rounds.py", "harness/load.py", "harness/clock.py"),
    ),
}


@cache
def _own_source(stage: str) -> str:
    """Digest of the zoo's own code that a stage runs."""
    root = Path(zoo.__file__).parent
    sha = hashlib.sha256()
    for pattern in (*_SHARED_SOURCE, *_STAGE_SOURCE[stage]):
        for path in sorted(root.glob(pattern)):
            sha.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()
