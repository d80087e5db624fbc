"""The scoring stage: every metric of a drawn set, and of truth against truth (the floor)."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from zoo.contracts import Data, Dataset, Drawn, ExactDataset, Metric
from zoo.errors import PluginError
from zoo.harness.data import build_dataset, load_tensors, reference_data, seed_everything
from zoo.harness.sampling import DRAWN_FILE
from zoo.harness.stages import Floor, Score, Tell
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
            values[choice.label] = _finite(build_metric(choice).compute(drawn, data))
        except Exception as error:  # noqa: BLE001 - a stranger's metric may raise anything
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
                values[choice.label].append(_finite(build_metric(choice).compute(*pair)))
            except Exception:  # noqa: BLE001 - a metric without a floor has no floor
                traceback.print_exc()
        tell({"done": done, "total": stage.repeats})
    return {"floors": {label: _band(found) for label, found in values.items() if found}}


def _true_pairs(dataset: Dataset, data: Data, stage: Floor) -> Iterable[tuple[Drawn, Data]]:
    """Independent true sets of the board's sizes: exact draws, or else random halves."""
    pool = torch.cat([data.train, data.test])
    for repeat in range(stage.repeats):
        seed_everything("floor", repeat)
        if isinstance(dataset, ExactDataset):
            drawn, test = dataset.fresh(stage.draws), dataset.fresh(len(data.test))
        else:
            order = torch.randperm(len(pool))
            n = min(stage.draws, len(pool) - len(data.test))
            drawn, test = pool[order[:n]], pool[order[len(order) - len(data.test) :]]
        yield Drawn(drawn), Data(data.train, test, data.energy, data.log_prob)


def build_metric(choice: Choice) -> Metric:
    """Build a metric and see that it is one."""
    metric = choice.build()
    if not isinstance(metric, Metric):
        raise PluginError(f"metric {choice.label!r} is a {type(metric).__name__}, no zoo.Metric.")
    return metric


def _finite(value: float) -> float:
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"the value is {value}")
    return value


def _band(values: list[float]) -> dict[str, float]:
    x = torch.tensor(values, dtype=torch.float64)
    low, high = torch.quantile(x, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return {"mean": float(x.mean()), "low": low, "high": high}
