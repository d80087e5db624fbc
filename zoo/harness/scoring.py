"""The scoring stage: every metric of a drawn set, and of truth against truth (the floor)."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zoo.contracts import Data, Dataset, Drawn, ExactDataset, Metric
from zoo.errors import PluginError
from zoo.harness.data import (
    block_length,
    build_dataset,
    load_tensors,
    reference_data,
    seed_everything,
)
from zoo.harness.stages import DENSITY_FILE, DRAWN_FILE, REPLICAS_FILE, Floor, Score, Tell
from zoo.polymer.trajectories import resample_blocks
from zoo.registry import Choice


def score_stage(stage: Score, _folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Score` stage: scores are facts, not files.

    `values` are the scores against the test set. How far they could have come out otherwise is
    seen from `replicates`, against other test sets, and from `without`, with each group of
    draws left out. A metric that fails leaves its reason and harms no other.
    """
    data = reference_data(build_dataset(stage.dataset), stage.data.folder)
    tensors = load_tensors(stage.drawn.folder / DRAWN_FILE)
    if stage.evaluated:
        tensors |= load_tensors(stage.evaluated.folder / DENSITY_FILE)
    drawn = Drawn(
        tensors["conformations"],
        float(stage.drawn.facts["network_calls"]),
        tensors.get("log_prob"),
        tensors.get("test_log_prob"),
    )
    other_tests = _other_tests(stage, drawn, data)
    resampled_tests = _resampled_tests(stage, drawn, data)
    partial = [
        (_without(drawn, group, stage.draw_groups), data) for group in range(stage.draw_groups)
    ]
    values: dict[str, float] = {}
    faults: dict[str, str] = {}
    replicates: dict[str, list[float]] = {}
    without: dict[str, list[float]] = {}
    for done, choice in enumerate(stage.metrics, start=1):
        label = choice.label
        replicas = resampled_tests if choice.listing.spec.model_needs else other_tests
        pairs = [(drawn, data), *replicas, *partial]
        try:
            found = [_compute(choice, *pair) for pair in pairs]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - strangers may raise anything
            traceback.print_exc()
            faults[label] = f"{type(error).__name__}: {error}"
        else:
            values[label], *others = found
            replicates[label] = others[: len(replicas)]
            without[label] = others[len(replicas) :]
        tell({"done": done, "total": len(stage.metrics)})
    return {"values": values, "faults": faults, "replicates": replicates, "without": without}


_Pairs = list[tuple[Drawn, Data]]


def _other_tests(stage: Score, drawn: Drawn, data: Data) -> _Pairs:
    """The same draws beside other test sets."""
    if not stage.replicas:
        return []
    tests = load_tensors(stage.data.folder / REPLICAS_FILE)["test"][: stage.replicas]
    return [(drawn, replace(data, test=test)) for test in tests]


def _resampled_tests(stage: Score, drawn: Drawn, data: Data) -> _Pairs:
    """The same draws beside the test conformations resampled: their densities are known already.

    What a model says of a conformation may be dear; and a mean of it varies over resampled test
    sets as over new ones.
    """
    if drawn.test_log_prob is None:
        return []
    found = []
    for number in range(stage.replicas):
        seed_everything("resampled", number)  # the same for all models: they are compared in pairs
        kept = resample_blocks(torch.arange(len(data.test)), _block(stage.data.facts))
        log_prob = drawn.test_log_prob[kept]
        found.append((replace(drawn, test_log_prob=log_prob), replace(data, test=data.test[kept])))
    return found


def _without(drawn: Drawn, group: int, groups: int) -> Drawn:
    """Draws less every one whose number leaves `group` when divided by `groups`.

    In turn, not in blocks: a metric that looks at the first few loses some of them as well.
    """
    kept = torch.arange(len(drawn.conformations)) % groups != group
    log_prob = None if drawn.log_prob is None else drawn.log_prob[kept]
    return replace(drawn, conformations=drawn.conformations[kept], log_prob=log_prob)


def floor_stage(stage: Floor, _folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Floor` stage: mean and 95% band of each metric between true sets."""
    dataset = build_dataset(stage.dataset)
    data = reference_data(dataset, stage.data.folder)
    values: dict[str, list[float]] = {choice.label: [] for choice in stage.metrics}
    for done, pair in enumerate(_true_pairs(dataset, data, stage), start=1):
        for label, value in try_metrics(stage.metrics, *pair).items():
            values[label].append(value)
        tell({"done": done, "total": stage.repeats})
    complete = {label: found for label, found in values.items() if len(found) == stage.repeats}
    return {"floors": {label: _band(found) for label, found in complete.items()}}


def try_metrics(metrics: Sequence[Choice], drawn: Drawn, data: Data) -> dict[str, float]:
    """Values of the metrics that work on these conformations."""
    values = {}
    for choice in metrics:
        try:
            values[choice.label] = _compute(choice, drawn, data)
        except (Exception, SystemExit):  # noqa: BLE001 - strangers may raise anything
            traceback.print_exc()
    return values


def _true_pairs(dataset: Dataset, data: Data, stage: Floor) -> Iterator[tuple[Drawn, Data]]:
    """Independent true sets of the board's sizes, as a perfect model would draw and be judged.

    Without an exact sampler both are drawn from the test conformations: a perfect model's one by
    one, the others in blocks, which vary as much as what correlated conformations are worth.
    """
    for repeat in range(stage.repeats):
        seed_everything("floor", repeat)
        if isinstance(dataset, ExactDataset):
            x, test = dataset.fresh(stage.draws), dataset.fresh(len(data.test))
        else:
            x = data.test[torch.randint(len(data.test), (stage.draws,))]
            test = resample_blocks(data.test, _block(stage.data.facts))
        log_prob = data.log_prob
        known = Drawn(x, 1.0, log_prob(x), log_prob(test)) if log_prob else Drawn(x)
        yield known, replace(data, test=test)


def _block(facts: dict[str, Any]) -> int:
    return block_length(facts["n_test"], facts["n_test_effective"])


def build_metric(choice: Choice) -> Metric:
    """Build a metric and see that it is one."""
    metric = choice.build()
    if not isinstance(metric, Metric):
        raise PluginError(f"metric {choice.label!r} is a {type(metric).__name__}, no zoo.Metric.")
    return metric


def _compute(choice: Choice, drawn: Drawn, data: Data) -> float:
    """One metric on tensors of its own, which it may do with what it likes, and the same chance.

    Raises:
        ValueError: If the value is not finite.
    """
    seed_everything("score", choice.label)
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
