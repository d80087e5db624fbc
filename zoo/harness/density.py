"""The density stage: what a trained model says of the test conformations, once per training."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import Density
from zoo.errors import PluginError
from zoo.harness.data import load_tensors, save_tensors, seed_everything
from zoo.harness.stages import (
    DATA_FILE,
    DENSITY_FILE,
    WEIGHTS_FILE,
    Evaluate,
    Tell,
)
from zoo.harness.training import restore_model, synchronise


def density_stage(stage: Evaluate, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run an `Evaluate` stage."""
    device = stage.train.device
    model = restore_model(stage.train, stage.trained.folder / WEIGHTS_FILE)
    test = load_tensors(stage.train.data.folder / DATA_FILE)["test"]
    seed_everything("density", stage.train.seed)
    synchronise(device)
    start = time.perf_counter()
    found = log_density(model, test, stage.batch, tell)
    synchronise(device)
    seconds = time.perf_counter() - start
    save_tensors(folder / DENSITY_FILE, {"test_log_prob": found})
    return {"density_seconds": seconds}


def log_density(model: object, x: Tensor, batch: int, tell: Tell) -> Tensor:
    """A model's log-density of conformations, a batch at a time.

    Args:
        model: The model, on its device.
        x: Conformations, shape (n, beads, dim), in σ, on the CPU.
        batch: Conformations at a time.
        tell: Takes progress after each batch.

    Returns:
        Natural logarithms, shape (n,), on the CPU.

    Raises:
        PluginError: If the model has no density, or not one number for each conformation.
    """
    name = type(model).__name__
    if not isinstance(model, Density):
        raise PluginError(f"model {name} offers 'log_prob' and has no log_prob(x). Give it one.")
    parts: list[Tensor] = []
    for part in torch.split(x, batch):
        with torch.no_grad():
            found = model.log_prob(part.to(model.device))  # type: ignore[attr-defined]
        if found.shape != part.shape[:1]:
            raise PluginError(
                f"log_prob of {name} has shape {tuple(found.shape)} for {len(part)} "
                "conformations. Give one number for each."
            )
        parts.append(found.float().cpu())
        tell({"done": sum(map(len, parts)), "total": len(x)})
    return torch.cat(parts)
