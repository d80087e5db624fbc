"""Guided draws against the truth: what a dataset looks like where an observable is as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import Drawn, ExactDataset
from zoo.errors import PluginError
from zoo.harness.aims import WINDOWS_FILE, Hit, Windows
from zoo.harness.data import (
    build_dataset,
    load_tensors,
    reference_data,
    save_tensors,
    seed_everything,
)
from zoo.harness.scoring import try_metrics
from zoo.harness.stages import DATA_FILE, DRAWN_FILE, Tell
from zoo.harness.store import Result
from zoo.polymer.targets import OBSERVABLES

SETS = 5
"""True sets of each window: one to compare with, the others in a perfect model's place."""

POOL = 1_500_000
"""True conformations that are looked through at most, where windows are far out."""

FEWEST = 100
"""A window in which there are fewer true conformations for a set is not compared with."""


def windows_stage(stage: Windows, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Windows` stage: true conformations with an observable as wanted, for each value.

    Raises:
        PluginError: If the dataset has no exact sampler.
    """
    seed_everything("windows", stage.observable)
    dataset = build_dataset(stage.dataset)
    if not isinstance(dataset, ExactDataset):
        raise PluginError(
            f"dataset {stage.dataset.label!r} cannot draw fresh conformations, so it does not "
            "know what those with a wanted value look like."
        )
    wanted = SETS * max(stage.draws, FEWEST)
    kept: dict[float, list[Tensor]] = {value: [] for value in stage.values}
    for done in range(0, POOL, 100_000):
        pool = dataset.fresh(100_000)
        for value, parts in kept.items():
            parts.append(OBSERVABLES[stage.observable].window(pool, value))
        least = min(sum(map(len, parts)) for parts in kept.values())
        tell({"done": done + 100_000, "total": POOL})
        if least >= wanted:
            break
    found = {str(value): torch.cat(parts)[:wanted] for value, parts in kept.items()}
    save_tensors(folder / WINDOWS_FILE, found)
    return {"true": {value: len(x) for value, x in found.items()}}


def hit_stage(stage: Hit, _folder: Path, _tell: Tell) -> dict[str, Any]:
    """Run a `Hit` stage: where guided draws ended, and what else became of them.

    Every metric compares equally many draws and true conformations of the window; its floor is
    the mean over other true sets of the window in the draws' place.
    """
    drawn = load_tensors(stage.drawn.folder / DRAWN_FILE)["conformations"]
    true = load_tensors(stage.windows.folder / WINDOWS_FILE)[str(stage.value)]
    observable = OBSERVABLES[stage.observable]
    found = {"n": len(drawn), "n_true": len(true)} | _moments("", observable.of(drawn))
    sets = true[: len(true) // SETS * SETS].chunk(SETS)
    n = min(len(sets[0]), len(drawn)) if len(true) >= SETS * FEWEST else 0
    if not n:
        return found
    data = reference_data(build_dataset(stage.dataset), stage.data.folder)
    values = [
        try_metrics(stage.metrics, Drawn(x[:n]), replace(data, test=sets[0][:n]))
        for x in (drawn, *sets[1:])
    ]
    floors = {
        name: sum(one[name] for one in values[1:]) / len(values[1:])
        for name in values[0]
        if all(name in one for one in values)
    }
    return found | _moments("true_", observable.of(true)) | {"values": values[0], "floors": floors}


def _moments(name: str, values: Tensor) -> dict[str, float]:
    return {f"{name}mean": float(values.mean()), f"{name}std": float(values.std())}


def across(data: Result, observable: str, parts: Sequence[float], beyond: float) -> list[float]:
    """Values of an observable across the training set and beyond, in hundredths of σ.

    Args:
        data: The data.
        observable: Its name.
        parts: Quantiles of the training set.
        beyond: How much further than all of it the first and the last value are, relatively.
    """
    train = OBSERVABLES[observable].of(load_tensors(data.folder / DATA_FILE)["train"])
    inner = torch.quantile(train, torch.tensor(parts)).tolist()
    least, most = float(train.min()) * (1 - beyond), float(train.max()) * (1 + beyond)
    return [round(value, 2) for value in (least, *inner, most)]
