"""The power stage: what each metric says of conformations that are wrong by a known amount."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from zoo.contracts import Drawn, ExactDataset
from zoo.errors import PluginError
from zoo.harness.data import build_dataset, reference_data, seed_everything
from zoo.harness.scoring import try_metrics
from zoo.harness.stages import Power, Tell
from zoo.polymer.canaries import CANARIES


def power_stage(stage: Power, _folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Power` stage: every metric's values at every strength of one canary.

    Raises:
        PluginError: If the dataset has no exact sampler.
    """
    dataset = build_dataset(stage.dataset)
    if not isinstance(dataset, ExactDataset):
        raise PluginError(f"dataset {stage.dataset.label!r} cannot draw fresh conformations.")
    data = reference_data(dataset, stage.data.folder)
    canary = next(one for one in CANARIES if one.name == stage.canary)
    found: dict[str, list[list[float]]] = {metric.label: [] for metric in stage.metrics}
    total = len(canary.strengths) * stage.repeats
    for number, strength in enumerate(canary.strengths):
        for values in found.values():
            values.append([])
        for repeat in range(stage.repeats):
            # The same truth at every strength: values differ by what was done to it alone.
            seed_everything("power", repeat)
            x, test = dataset.fresh(2 * stage.draws), dataset.fresh(len(data.test))
            spoilt = canary.spoil(x, data.train, stage.draws, strength)
            mixed = spoilt[torch.randperm(len(spoilt))]
            pair = Drawn(mixed), replace(data, test=test)
            for label, value in try_metrics(stage.metrics, *pair).items():
                found[label][number].append(value)
            tell({"done": number * stage.repeats + repeat + 1, "total": total})
    return {
        "canary": canary.name,
        "meaning": canary.strength,
        "strengths": list(canary.strengths),
        "values": found,
    }
