"""The training stage: one plain gradient loop, told what to do by a model's recipe."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.contracts import Model, Recipe, Trainable
from zoo.errors import PluginError
from zoo.harness.checkpoint import Checkpoints, Descent
from zoo.harness.data import (
    build_dataset,
    load_tensors,
    load_training,
    save_tensors,
    seed_everything,
)
from zoo.harness.stages import DATA_FILE, WEIGHTS_FILE, Tell, Train


def train_stage(stage: Train, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Train` stage."""
    seed_everything("train", stage.seed)
    x = load_training(stage.data.folder / DATA_FILE).to(stage.device)
    model = build_model(stage).to(stage.device)
    epochs = stage.epochs
    if stage.own_epochs and model.recipe.epochs is not None:
        epochs = model.recipe.epochs
    synchronise(stage.device)
    checkpoints = Checkpoints(folder, stage.checkpoint_seconds, stage.device)
    losses = train(model, x, epochs, tell, checkpoints)
    synchronise(stage.device)
    seconds = checkpoints.seconds
    checkpoints.clear()
    save_tensors(folder / WEIGHTS_FILE, dict(model.state_dict()))
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_seconds": seconds,
        "epochs": len(losses),
        "losses": losses,
    }


def train(
    model: Model,
    x: Tensor,
    epochs: int,
    tell: Tell = lambda _: None,
    checkpoints: Checkpoints | None = None,
) -> list[float]:
    """Fit a model to conformations, by gradients if it has a loss.

    Args:
        model: The model, on its device.
        x: Training conformations, shape (n, beads, dim), in σ, on the same device.
        epochs: Passes over them.
        tell: Takes progress once per epoch.
        checkpoints: Where to go on from, and to keep the state now and then.

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
        losses = _descend(model, parameters, x, epochs, tell, checkpoints=checkpoints)
    model.eval()
    with torch.no_grad():
        model.finish(x)
    return losses


def _descend(
    model: Trainable,
    parameters: list[nn.Parameter],
    x: Tensor,
    epochs: int,
    tell: Tell,
    *,
    checkpoints: Checkpoints | None,
) -> list[float]:
    recipe: Recipe = model.recipe  # type: ignore[attr-defined]
    steps = len(x) // min(recipe.batch_size, len(x))
    average = [p.detach().clone() for p in parameters] if recipe.ema else []
    descent = Descent(model, *_optimizer(recipe, parameters, epochs * steps), average)  # type: ignore[arg-type]
    if checkpoints:
        checkpoints.restore(descent)
    for epoch in range(len(descent.losses), epochs):
        loss = _pass_over(model, parameters, x, descent, epoch)
        if not math.isfinite(loss):
            raise PluginError(
                f"the loss of {type(model).__name__} is {loss} in epoch {epoch + 1} of "
                f"{epochs}. Lower recipe.learning_rate, or look for a division by zero."
            )
        descent.losses.append(loss)
        tell({"done": epoch + 1, "total": epochs, "loss": loss})
        if checkpoints:
            checkpoints.offer(descent)
    with torch.no_grad():
        for parameter, mean in zip(parameters, average, strict=False):
            parameter.copy_(mean)
    return descent.losses


def _pass_over(
    model: Trainable, parameters: list[nn.Parameter], x: Tensor, descent: Descent, epoch: int
) -> float:
    """One epoch; gives its mean loss."""
    recipe: Recipe = model.recipe  # type: ignore[attr-defined]
    batch = min(recipe.batch_size, len(x))
    steps = len(x) // batch
    order = torch.randperm(len(x), device=x.device)
    total = torch.zeros((), device=x.device)
    for step in range(steps):
        loss = model.loss(x[order[step * batch : (step + 1) * batch]])
        descent.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        descent.optimizer.step()
        descent.schedule.step()
        total += loss.detach()
        if descent.average:
            done = epoch * steps + step
            decay = min(recipe.ema, (done + 1) / (done + 10))  # forgets the start sooner
            torch._foreach_lerp_(descent.average, [p.detach() for p in parameters], 1 - decay)
    return float(total) / steps


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
