"""The scoring stage: every metric of a drawn set, and of truth against truth (the floor)."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zoo.contracts import Data, Dataset, Drawn, ExactDataset, Metric
from zoo.errors import PluginError
from zoo.harness.data import build_dataset, load_tensors, reference_data, seed_everything
from zoo.harness.stages import DRAWN_FILE, Floor, Score, Tell
from zoo.registry import Choice


def score_stage(stage: Score, _folder: Path, _tell: Tell) -> dict[str, Any]:
    """Run a `Score` stage: scores are facts, not files.

    A metric that fails leaves its reason and harms no other.
    """
    data = reference_data(build_dataset(stage.dataset), stage.data.folder)
    tensors = load_tensors(stage.drawn.folder / DRAWN_FILE)
    drawn = Drawn(
        tensors["conformations"],
        float(stage.drawn.facts["network_calls"]),
        tensors.get("log_prob"),
        tensors.get("test_log_prob"),
    )
    values: dict[str, float] = {}
    faults: dict[str, str] = {}
    for choice in stage.metrics:
        seed_everything("score", choice.label)
        try:
            values[choice.label] = _compute(choice, drawn, data)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - strangers may raise anything
            traceback.print_exc()
            faults[choice.label] = f"{type(error).__name__}: {error}"
    return {"values": values, "faults": faults}


def floor_stage(stage: Floor, _folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Floor` stage: mean and 95% band of each metric between true sets."""
    dataset = build_dataset(stage.dataset)
    data = reference_data(dataset, stage.data.folder)
    values: dict[str, list[float]] = {choice.label: [] for choice in stage.metrics}
    for done, pair in enumerate(_true_pairs(dataset, data, stage), start=1):
        for choice in stage.metrics:
            try:
                values[choice.label].append(_compute(choice, *pair))
            except (Exception, SystemExit):  # noqa: BLE001 - then it has no floor
                traceback.print_exc()
        tell({"done": done, "total": stage.repeats})
    complete = {label: found for label, found in values.items() if len(found) == stage.repeats}
    return {"floors": {label: _band(found) for label, found in complete.items()}}


def _true_pairs(dataset: Dataset, data: Data, stage: Floor) -> Iterable[tuple[Drawn, Data]]:
    """Independent true sets of the board's sizes, or disjoint parts of what there is.

    In the latter case the training set is the rest: no drawn conformation is among it.
    """
    pool = torch.cat([data.train, data.test])
    for repeat in range(stage.repeats):
        seed_everything("floor", repeat)
        if isinstance(dataset, ExactDataset):
            drawn, test = dataset.fresh(stage.draws), dataset.fresh(len(data.test))
            train = data.train
        else:
            sizes = [n := min(stage.draws, len(data.train) // 2), len(data.test)]
            mixed = pool[torch.randperm(len(pool))]
            drawn, test, train = torch.split(mixed, [*sizes, len(data.train) - n])
        yield Drawn(drawn), Data(train, test, data.energy, data.log_prob)


def build_metric(choice: Choice) -> Metric:
    """Build a metric and see that it is one."""
    metric = choice.build()
    if not isinstance(metric, Metric):
        raise PluginError(f"metric {choice.label!r} is a {type(metric).__name__}, no zoo.Metric.")
    return metric


def _compute(choice: Choice, drawn: Drawn, data: Data) -> float:
    """One metric on tensors of its own, which it may do with what it likes.

    Raises:
        ValueError: If the value is not finite.
    """
    own = replace(drawn, conformations=drawn.conformations.clone())
    theirs = replace(data, train=data.train.clone(), test=data.test.clone())
    value = float(build_metric(choice).compute(own, theirs))
    if not math.isfinite(value):
        raise ValueError(f"the value is {value}")
    return value


def _band(values: list[float]) -> dict[str, float]:
    """Mean, and the band that holds 95% of further values (Weibull's plotting positions)."""
    low, high = np.quantile(values, [0.025, 0.975], method="weibull").tolist()
    return {"mean": float(np.mean(values)), "low": low, "high": high}
