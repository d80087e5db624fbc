"""The stages of a run as small picklable records: what each of them depends on.

`identity` names everything that can change a stage's numbers; its digest is the key under
which the result is kept. What is done at a stage stands in the modules that `child` imports,
so that planning costs no torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.harness.identity import identify, one_moment, own_source, versions
from zoo.harness.store import Result
from zoo.harness.whole import digest
from zoo.registry import Choice

DATA_FILE = "data.safetensors"
REPLICAS_FILE = "replicas.safetensors"
WEIGHTS_FILE = "weights.safetensors"
DENSITY_FILE = "density.safetensors"
DRAWN_FILE = "drawn.safetensors"
FILM_FILE = "film.safetensors"
LATENT_FILE = "latent.safetensors"

OBSERVABLE_NAMES = ("rg", "ree")
"""What conformations may be wanted by, see `zoo.polymer.targets`."""

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
    def depends_on(self) -> dict[str, Any]:
        """The identity, with the zoo's own code for it and the libraries that compute."""
        with one_moment():
            common = {"stage": self.name, "source": own_source(self.name), "versions": versions()}
            return common | self.identity()

    @property
    def key(self) -> str:
        """Short digest of all it depends on."""
        return digest(self.depends_on)[:20]


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
    checkpoint_seconds: float = 30.0
    """Seconds between two checkpoints, which change no result."""

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


def device_of(stage: Stage) -> str:
    """Where a stage works: where it trains, or its training did, and else on the CPU."""
    train = getattr(stage, "train", None)
    return str(getattr(stage, "device", None) or getattr(train, "device", "cpu"))


def is_outdated(stage: Stage) -> bool:
    """Whether the code of the training that a stage goes on from has been changed since."""
    train, trained = getattr(stage, "train", None), getattr(stage, "trained", None)
    return train is not None and trained is not None and train.key != trained.key


@dataclass(frozen=True)
class Evaluate(Stage):
    """Ask a trained model for its log-density of the test conformations."""

    name: ClassVar[str] = "density"
    train: Train
    trained: Result
    batch: int

    def identity(self) -> dict[str, Any]:
        return {
            "trained": self.trained.key,
            "data": self.train.data.facts["sha256"],
            "batch": self.batch,
        }


@dataclass(frozen=True)
class Target:
    """What drawn conformations are wanted to be like.

    Args:
        observable: Its name, see `zoo.polymer.targets`.
        value: What it is wanted to be, in σ.
        scale: How strongly: 1 draws the conditional distribution, more insists.
        steered: How the path is steered.
    """

    observable: str
    value: float
    scale: float
    steered: Result

    def identity(self) -> dict[str, Any]:
        """Everything that can change what is drawn, as JSON."""
        return {
            "observable": self.observable,
            "value": self.value,
            "scale": self.scale,
            "steered": self.steered.key,
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
    frames: int = 0
    """Equal steps of time at whose ends the states of a walk are kept as well."""
    log_prob: bool = False
    """Whether the model's log-density of what is drawn is kept as well."""
    target: Target | None = None
    """What the conformations are wanted to be like; `None` for as they come."""
    compiled: bool = False
    """Whether network calls are compiled first."""

    def identity(self) -> dict[str, Any]:
        return {
            "trained": self.trained.key,
            "data": self.train.data.files,
            "sampler": identify(self.sampler),
            "draws": self.draws,
            "batch": self.batch,
            "frames": self.frames,
            "log_prob": self.log_prob,
            "target": self.target.identity() if self.target else None,
            "compiled": self.compiled,
        }


@dataclass(frozen=True)
class Explore(Stage):
    """Look into the latent space of a trained model."""

    name: ClassVar[str] = "latent"
    train: Train
    trained: Result
    grid: int
    """Codes along a side of the decoded grid, and of the way between two conformations."""
    descent: int
    """Steps of gradient descent of Rg."""

    def identity(self) -> dict[str, Any]:
        return {
            "trained": self.trained.key,
            "dataset": identify(self.train.dataset),
            "data": self.train.data.files,
            "grid": self.grid,
            "descent": self.descent,
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
    evaluated: Result | None = None
    """What the model says of the test conformations, if it has a density."""

    def identity(self) -> dict[str, Any]:
        return {
            "drawn": self.drawn.files,
            "dataset": identify(self.dataset),
            "data": self.data.files,
            "metrics": [identify(metric) for metric in self.metrics],
            "replicas": self.replicas,
            "draw_groups": self.draw_groups,
            "density": self.evaluated.files if self.evaluated else None,
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
