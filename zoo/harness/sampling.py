"""The sampling stage: conformations from a trained model, with its network calls counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import Density, Model, Sampler
from zoo.errors import PluginError
from zoo.harness.data import (
    check_conformations,
    load_tensors,
    save_tensors,
    seed_everything,
)
from zoo.harness.film import watch
from zoo.harness.stages import (
    DATA_FILE,
    DRAWN_FILE,
    FILM_FILE,
    REPLICAS_FILE,
    WEIGHTS_FILE,
    Sample,
    Tell,
)
from zoo.harness.training import restore_model, synchronise
from zoo.registry import Choice

_CALLS = ("draw", "denoise", "velocity")


def sample_stage(stage: Sample, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Sample` stage."""
    device = stage.train.device
    model = restore_model(stage.train, stage.trained.folder / WEIGHTS_FILE)
    sampler = build_sampler(stage.sampler)
    beads, dim = stage.train.data.facts["shape"]
    counter = CallCounter(model)
    film = watch(model, stage.frames) if stage.frames else None
    seed_everything("sample", stage.train.seed)
    synchronise(device)
    start = time.perf_counter()
    parts: list[Tensor] = []
    for first in range(0, stage.draws, stage.batch):
        n = min(stage.batch, stage.draws - first)
        with torch.no_grad():  # not inference mode: an energy-based model may need gradients
            x = sampler.sample(model, n)
        what = f"model {stage.train.model.label!r} with {stage.sampler.label!r} drew conformations"
        check_conformations(x, what, (n, beads, dim))
        parts.append(x.float().cpu())
        tell({"done": first + n, "total": stage.draws})
    synchronise(device)
    seconds = time.perf_counter() - start
    tensors = {"conformations": torch.cat(parts)}
    if isinstance(model, Density):
        test = load_tensors(stage.train.data.folder / DATA_FILE)["test"]
        replicas = load_tensors(stage.train.data.folder / REPLICAS_FILE)["test"]
        tensors["log_prob"] = _log_prob(model, tensors["conformations"], stage.batch)
        tensors["test_log_prob"] = _log_prob(model, test, stage.batch)
        found = _log_prob(model, replicas.flatten(0, 1), stage.batch)
        tensors["replica_log_prob"] = found.view(replicas.shape[:2])
    save_tensors(folder / DRAWN_FILE, tensors)
    if film:
        save_tensors(folder / FILM_FILE, {"trajectory": film.conformations, "times": film.times})
    return {"network_calls": counter.rows / stage.draws, "sample_seconds": seconds}


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

    Only the outermost call counts: a velocity that asks for the posterior mean is one call.

    Args:
        model: The model whose `draw`, `denoise` and `velocity` are watched.
    """

    def __init__(self, model: Model) -> None:
        self.rows = 0
        self._inside = False
        for name in _CALLS:
            if function := getattr(model, name, None):
                object.__setattr__(model, name, self._watch(function))

    def _watch(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def watched(*args: Any, **kwargs: Any) -> Tensor:  # noqa: ANN401 - passes all on
            if self._inside:
                return function(*args, **kwargs)
            self._inside = True
            try:
                result = function(*args, **kwargs)
            finally:
                self._inside = False
            self.rows += len(result)
            return result

        return watched


def _log_prob(model: Density, x: Tensor, batch: int) -> Tensor:
    device = model.device  # type: ignore[attr-defined]
    with torch.no_grad():
        parts = [model.log_prob(part.to(device)).float().cpu() for part in torch.split(x, batch)]
    return torch.cat(parts)
