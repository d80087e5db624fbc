"""The stages of a job, from a plan: one way to ask for each, whoever asks."""

from __future__ import annotations

from zoo.harness.plan import Entry, Plan
from zoo.harness.stages import Evaluate, Sample, Score, Train
from zoo.harness.store import Result
from zoo.registry import Choice


def training(plan: Plan, model: Choice, data: Result, seed: int, device: str) -> Train:
    """The training of a model at a seed."""
    settings = plan.settings
    return Train(
        model, plan.dataset, data, seed, settings.epochs, settings.own_epochs, device,
        settings.checkpoint_seconds,
    )  # fmt: skip


def evaluation(plan: Plan, train: Train, trained: Result) -> Evaluate:
    """The evaluation of a trained model's density."""
    return Evaluate(train, trained, plan.settings.batch)


def drawing(plan: Plan, entry: Entry, train: Train, trained: Result) -> Sample:
    """The drawing of an entry."""
    settings = plan.settings
    log_prob = "log_prob" in plan.densities_of(entry)
    return Sample(
        train, trained, entry.sampler, settings.draws, settings.batch, log_prob=log_prob,
        compiled=settings.compiled,
    )  # fmt: skip


def scoring(
    plan: Plan, entry: Entry, drawn: Result, data: Result, evaluated: Result | None
) -> Score:
    """The scoring of an entry."""
    settings = plan.settings
    groups = settings.draw_groups if settings.seeds == 1 else 0
    metrics = plan.metrics_of(entry)
    return Score(drawn, plan.dataset, data, metrics, settings.replicas, groups, evaluated)
