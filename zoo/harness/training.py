"""The training stage: one plain gradient loop, told what to do by a model's recipe."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.contracts import Model, Recipe, Trainable
from zoo.errors import PluginError
from zoo.harness.data import (
    build_dataset,
    load_tensors,
    save_tensors,
    seed_everything,
)
from zoo.harness.stages import DATA_FILE, WEIGHTS_FILE, Tell, Train


def train_stage(stage: Train, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Train` stage."""
    seed_everything("train", stage.seed)
    x = load_tensors(stage.data.folder / DATA_FILE)["train"].to(stage.device)
    model = build_model(stage).to(stage.device)
    epochs = stage.epochs
    if stage.own_epochs and model.recipe.epochs is not None:
        epochs = model.recipe.epochs
    synchronise(stage.device)
    start = time.perf_counter()
    losses = train(model, x, epochs, tell)
    synchronise(stage.device)
    seconds = time.perf_counter() - start
    save_tensors(folder / WEIGHTS_FILE, dict(model.state_dict()))
    return {
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "train_seconds": seconds,
        "epochs": len(losses),
        "losses": losses,
    }


def train(model: Model, x: Tensor, epochs: int, tell: Tell = lambda _: None) -> list[float]:
    """Fit a model to conformations, by gradients if it has a loss.

    Args:
        model: The model, on its device.
        x: Training conformations, shape (n, beads, dim), in σ, on the same device.
        epochs: Passes over them.
        tell: Takes progress once per epoch.

    Returns:
        Mean loss of each epoch; empty for a model that is not trained by gradients.

    Raises:
        PluginError: If the model has parameters but no loss, or its loss stops being finite.
    """
    model.train()
    with torch.no_grad():
        model.fit(x)
    losses: list[float] = []
    parameters = [p for p in model.parameters() if p.requires_grad]
    if parameters:
        if not isinstance(model, Trainable):
            raise PluginError(
                f"model {type(model).__name__} has parameters but no loss(x) to train them by. "
                "Give it one, or keep what fit(x) finds in buffers."
            )
        losses = _descend(model, parameters, x, epochs, tell)
    model.eval()
    return losses


def _descend(
    model: Trainable, parameters: list[nn.Parameter], x: Tensor, epochs: int, tell: Tell
) -> list[float]:
    recipe: Recipe = model.recipe  # type: ignore[attr-defined]
    batch = min(recipe.batch_size, len(x))
    steps = len(x) // batch
    optimizer, schedule = _optimizer(recipe, parameters, epochs * steps)
    average = [p.detach().clone() for p in parameters] if recipe.ema else []
    losses: list[float] = []
    for epoch in range(epochs):
        order = torch.randperm(len(x), device=x.device)
        total = torch.zeros((), device=x.device)
        for step in range(steps):
            loss = model.loss(x[order[step * batch : (step + 1) * batch]])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.detach()
            if average:
                done = epoch * steps + step
                decay = min(recipe.ema, (done + 1) / (done + 10))  # forgets the start sooner
                torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)
        losses.append(float(total) / steps)
        if not math.isfinite(losses[-1]):
            raise PluginError(
                f"the loss of {type(model).__name__} is {losses[-1]} in epoch {epoch + 1} of "
                f"{epochs}. Lower recipe.learning_rate, or look for a division by zero."
            )
        tell({"done": epoch + 1, "total": epochs, "loss": losses[-1]})
    with torch.no_grad():
        for parameter, mean in zip(parameters, average, strict=False):
            parameter.copy_(mean)
    return losses


def _optimizer(
    recipe: Recipe, parameters: list[nn.Parameter], steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimizer = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    if recipe.decay:
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def build_model(stage: Train) -> Model:
    """Build the untrained model of a stage.

    Raises:
        PluginError: If its factory gives no `zoo.Model`.
    """
    needs = stage.model.listing.spec.needs
    extra = {"dataset": build_dataset(stage.dataset)} if needs else {}
    beads, dim = stage.data.facts["shape"]
    model = stage.model.build((beads, dim), **extra)
    if not isinstance(model, Model):
        raise PluginError(
            f"model {stage.model.label!r} is a {type(model).__name__}, no zoo.Model. "
            "Its factory must return one."
        )
    return model


def restore_model(stage: Train, weights: Path) -> Model:
    """Build a model and give it the weights and buffers that were kept.

    A kept tensor takes its place whatever its shape: some are known only after `fit`.
    """
    model = build_model(stage)
    for name, tensor in load_tensors(weights).items():
        owner_name, _, leaf = name.rpartition(".")
        owner = model.get_submodule(owner_name)
        if leaf in owner._parameters:
            owner.register_parameter(leaf, nn.Parameter(tensor))
        else:
            owner.register_buffer(leaf, tensor)
    return model.to(stage.device).eval()


def synchronise(device: str) -> None:
    """Wait until the device has done what it was asked to."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
