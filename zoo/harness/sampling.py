"""The sampling stage: conformations from a trained model, with its network calls counted."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import Conditional, Model, Sampler
from zoo.contracts import Path as Walk
from zoo.errors import PluginError
from zoo.generative.guidance import Regressor, classifier_free, classifier_guided
from zoo.harness.aims import REGRESSOR_FILE
from zoo.harness.compiled import compile_calls
from zoo.harness.data import (
    check_conformations,
    load_tensors,
    save_tensors,
    seed_everything,
)
from zoo.harness.density import log_density
from zoo.harness.film import watch
from zoo.harness.stages import (
    DRAWN_FILE,
    FILM_FILE,
    WEIGHTS_FILE,
    Sample,
    Target,
    Tell,
)
from zoo.harness.training import restore_model, synchronise
from zoo.polymer.targets import OBSERVABLES
from zoo.registry import Choice

TRIED = 16
"""Conformations that are drawn twice, to see whether they are the same."""

_CALLS = ("draw", "denoise", "velocity")


def sample_stage(stage: Sample, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Sample` stage."""
    device = stage.train.device
    weights = stage.trained.folder / WEIGHTS_FILE
    model = restore_model(stage.train, weights)
    sampler = build_sampler(stage.sampler)
    beads, dim = stage.train.data.facts["shape"]
    if stage.compiled:
        compile_calls(model)
    counter = CallCounter(model)
    walk = guide(model, stage.target, counter) if stage.target else model
    film = watch(walk, stage.frames) if stage.frames else None
    seed_everything("sample", stage.train.seed)
    synchronise(device)
    start = time.perf_counter()
    parts: list[Tensor] = []
    for first in range(0, stage.draws, stage.batch):
        n = min(stage.batch, stage.draws - first)
        with torch.no_grad():  # not inference mode: an energy-based model may need gradients
            x = sampler.sample(walk, n)
        what = f"model {stage.train.model.label!r} with {stage.sampler.label!r} drew conformations"
        check_conformations(x, what, (n, beads, dim))
        parts.append(x.float().cpu())
        tell({"done": first + n, "total": stage.draws})
    synchronise(device)
    seconds = time.perf_counter() - start
    tensors = {"conformations": torch.cat(parts)}
    if stage.log_prob:
        asked = restore_model(stage.train, weights)  # whose calls are not counted, nor compiled
        tensors["log_prob"] = log_density(asked, tensors["conformations"], stage.batch, tell)
    save_tensors(folder / DRAWN_FILE, tensors)
    if film:
        save_tensors(folder / FILM_FILE, {"trajectory": film.conformations, "times": film.times})
    facts: dict[str, Any] = {"network_calls": counter.rows / stage.draws, "sample_seconds": seconds}
    return facts | {"repeatable": is_repeatable(sampler, walk)}  # last: it changes no draw


def is_repeatable(sampler: Sampler[Any], model: Model) -> bool | None:
    """Whether the same seed gives the same conformations twice; `None` if that cannot be tried."""
    found = []
    try:
        for _ in range(2):
            seed_everything("twice")
            with torch.no_grad():
                found.append(sampler.sample(model, TRIED))
        return torch.equal(*found)
    except Exception:  # noqa: BLE001 - a model may be unable to draw as few
        traceback.print_exc()
        return None


def build_sampler(choice: Choice) -> Sampler[Any]:
    """Build a sampler and see that it is one."""
    sampler = choice.build()
    if not isinstance(sampler, Sampler):
        raise PluginError(
            f"sampler {choice.label!r} is a {type(sampler).__name__}, no zoo.Sampler."
        )
    return sampler


class CallCounter:
    """Counts the rows that pass through a model's functions from now on.

    Where one asks another of the same model, a velocity for the posterior mean, that is one call.
    Where it asks a model inside, which draws for it in several steps, those are the calls.

    Args:
        model: The model whose `draw`, `denoise` and `velocity` are watched.
    """

    def __init__(self, model: Model) -> None:
        self.rows = 0
        self._busy: Model | None = None
        for one in model.modules():
            if isinstance(one, Model):
                self.watch(one)

    def watch(self, model: Model) -> None:
        """Count the calls of another model as well."""
        for name in _CALLS:
            if function := getattr(model, name, None):
                object.__setattr__(model, name, self._watched(model, function))

    def _watched(self, model: Model, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def watched(*args: Any, **kwargs: Any) -> Tensor:  # noqa: ANN401 - passes all on
            if self._busy is model:
                return function(*args, **kwargs)
            outside, before = self._busy, self.rows
            self._busy = model
            try:
                result = function(*args, **kwargs)
            finally:
                self._busy = outside
            if self.rows == before and isinstance(result, Tensor):  # else it is said of it later
                self.rows += len(result)
            return result

        return watched


def guide(model: Model, target: Target, counter: CallCounter) -> Walk:
    """The path of a trained model, steered to a target.

    Args:
        model: The model, whose calls are counted already.
        target: What is wanted.
        counter: Counts the calls of further networks.
    """
    if not isinstance(model, Walk):
        raise TypeError("only a path has been prepared to be steered")
    if target.steered.facts["method"] == "classifier-free" and isinstance(model, Conditional):
        given = model.given(target.value)
        counter.watch(given)
        return classifier_free(model, given, target.scale)
    regressor = Regressor(model.size, OBSERVABLES[target.observable].blur)
    regressor.load_state_dict(load_tensors(target.steered.folder / REGRESSOR_FILE))
    return classifier_guided(model, regressor.to(model.device), target.value, target.scale)
