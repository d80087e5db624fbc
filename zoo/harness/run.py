"""The driver: from a plan to rows, one per job, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from zoo.engine import Engine, Local
from zoo.errors import PluginError, UsageError
from zoo.harness.attempt import Limits
from zoo.harness.clocked import Time
from zoo.harness.execution import Outcome, Runner
from zoo.harness.jobs import drawing, evaluation, scoring, training
from zoo.harness.ledger import Floors, Ledger
from zoo.harness.machine import Machine
from zoo.harness.plan import Entry, Plan
from zoo.harness.rows import Job, Row
from zoo.harness.stages import (
    CANARY_NAMES,
    Floor,
    Materialise,
    Power,
    Stage,
    Train,
)
from zoo.harness.store import Result, Store
from zoo.harness.timing import time_entries
from zoo.registry import Choice


@dataclass(frozen=True)
class Event:
    """Something a watcher of a run may want to show.

    Args:
        job: What it is about.
        stage: What is being done: `data`, `train`, `density`, `sample`, `score`, `floor`, `time`.
        status: Empty while it goes on; else how it ended, or `kept` if it was there before.
        done: Steps done, of `total`; epochs for training.
        total: Steps in all; 0 where unknown.
        loss: Mean loss of the last epoch, while training.
        reason: Why it did not end well.
    """

    job: str
    stage: str
    status: str = ""
    done: int = 0
    total: int = 0
    loss: float | None = None
    reason: str = ""


Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Run:
    """One run of a plan.

    Args:
        plan: What to do.
        store: Where results are kept.
        device: Where to train and draw, `cpu` or `cuda`.
        machine: Where this happens, for the record.
        jobs: Jobs at a time; each uses one thread.
        watch: Takes events, from several threads.
        engine: What carries out the work.
    """

    plan: Plan
    store: Store
    device: str
    machine: Machine
    jobs: int = 1
    watch: Watch = lambda _event: None
    engine: Engine = field(default_factory=Local)

    @cached_property
    def runner(self) -> Runner:
        """What runs the stages."""
        settings = self.plan.settings
        limits = Limits(settings.timeout, settings.memory_gb)
        return Runner(self.store, self.machine.label, limits, self.engine)

    def execute(self) -> list[Row]:
        """Do everything, keep everything, and return one row per job.

        Raises:
            PluginError: If the dataset itself cannot be made.
            StoreError: If a result could not be saved.
            KeyboardInterrupt: If interrupted; what had finished is kept.
        """
        data, ledger = self.data(), Ledger(self.plan, self.store, self.machine)
        with ThreadPoolExecutor(self.jobs) as pool:
            floor = pool.submit(self.floors, data, self.plan.metrics, self.plan.settings.draws)
            working = [(train, pool.submit(self._work, train)) for train in self._trainings(data)]
            try:
                floors = floor.result()
                done = [future.result() for _, future in working]
            except BaseException:
                self.runner.stop()
                pool.shutdown(cancel_futures=True)
                ledger.keep_unfinished(working, floor)
                raise
        jobs = [job for jobs in done for job in jobs]
        ledger.keep_scores(jobs, floors)  # so that an interrupt from here on costs times only
        with self.store.claim("times", threading.Event()):  # two runs would disturb each other
            times = self._time(jobs)
        return [ledger.keep(job, floors, times) for job in jobs]

    def data(self) -> Result:
        """The dataset's conformations, kept in a file.

        Raises:
            UsageError: If the data will not do.
            PluginError: If the dataset cannot be made.
        """
        stage, label = Materialise(self.plan.dataset), self.plan.dataset.label
        outcome = self.resolve(stage, label)
        if outcome.status == "invalid":
            raise UsageError(f"dataset {label}: {outcome.reason}")
        return self._result(outcome, label)

    def train(self, model: Choice, data: Result, seed: int) -> Train:
        """The training stage of a model at a seed."""
        return training(self.plan, model, data, seed, self.device)

    def resolve(self, stage: Stage, label: str) -> Outcome:
        """Find or make one result, with events on the way."""

        def tell(message: dict[str, Any]) -> None:
            known = {k: v for k, v in message.items() if k in ("done", "total", "loss")}
            self.watch(Event(label, stage.name, **known))

        outcome = self.runner.resolve(stage, tell)
        status = "kept" if outcome.cached else outcome.status
        self.watch(Event(label, stage.name, status, reason=outcome.reason))
        return outcome

    def demand(self, stage: Stage, label: str) -> Result:
        """Find or make one result that there is no going on without.

        Raises:
            PluginError: If it cannot be made.
        """
        return self._result(self.resolve(stage, label), label)

    @staticmethod
    def _result(outcome: Outcome, label: str) -> Result:
        if outcome.result is None:
            raise PluginError(f"{label}: {outcome.status}: {outcome.reason}")
        return outcome.result

    def floors(self, data: Result, metrics: tuple[Choice, ...], draws: int) -> Floors:
        """Mean and 95% band of each metric between true sets; empty if that failed."""
        repeats = self.plan.settings.floor_repeats
        stage = Floor(self.plan.dataset, data, metrics, draws, repeats)
        result = self.resolve(stage, f"{self.plan.dataset.label} against itself").result
        return result.facts["floors"] if result else {}

    def power(self) -> tuple[list[dict[str, Any]], Floors]:
        """What every metric that needs no model says of spoilt conformations, and its floor.

        Raises:
            PluginError: If the dataset cannot be made, or has no exact sampler.
            StoreError: If a result could not be saved.
        """
        settings, dataset, data = self.plan.settings, self.plan.dataset, self.data()
        metrics = tuple(one for one in self.plan.metrics if not one.listing.spec.model_needs)
        stages = [
            Power(dataset, data, metrics, canary, settings.draws, settings.power_repeats)
            for canary in CANARY_NAMES
        ]
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                floors = pool.submit(self.floors, data, self.plan.metrics, settings.draws)
                found = pool.map(lambda stage: self.demand(stage, stage.canary).facts, stages)
                return list(found), floors.result()
            except BaseException:
                self.runner.stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _trainings(self, data: Result) -> list[Train]:
        """All of them, the references last: they are short, and fill the gaps at the end."""
        seeds = range(self.plan.settings.seeds)
        trains = [self.train(model, data, seed) for seed in seeds for model in self.plan.models]
        return sorted(trains, key=lambda train: train.model.listing.spec.reference)

    def _work(self, train: Train) -> list[Job]:
        """Train one model, ask for its density, and draw and score it with each sampler."""
        label = f"{train.model.label} seed {train.seed}"
        trained, evaluated = self.resolve(train, label), None
        entries = self.plan.entries_of(train.model)
        if trained.result and any(map(self.plan.densities_of, entries)):
            evaluated = self.resolve(evaluation(self.plan, train, trained.result), label)
        jobs = [Job(train, entry.sampler, trained, evaluated) for entry in entries]
        if evaluated is None or evaluated.result:
            for entry, job in zip(entries, jobs, strict=True):
                self._draw_and_score(entry, job)
        return jobs

    def _draw_and_score(self, entry: Entry, job: Job) -> None:
        """Take a job from its trained model to its scores, as far as it goes."""
        if job.trained.result is None:
            return
        label = f"{entry.model.label} {entry.sampler.label} seed {job.train.seed}"
        stage = drawing(self.plan, entry, job.train, job.trained.result)
        job.drawn = self.resolve(stage, label)
        if job.drawn.result:
            evaluated = job.evaluated.result if job.evaluated else None
            score = scoring(self.plan, entry, job.drawn.result, job.train.data, evaluated)
            job.scored = self.resolve(score, label)

    def _time(self, jobs: Sequence[Job]) -> dict[tuple[Choice, Choice, str], Outcome]:
        """Time each entry once, with the weights of its first good seed, on every device."""
        if not self.plan.settings.timing_rounds:
            return {}
        entries: dict[tuple[Choice, Choice], Job] = {}
        for job in jobs:
            if job.scored and job.scored.result:
                entries.setdefault((job.train.model, job.sampler), job)
        times: dict[tuple[Choice, Choice, str], Outcome] = {}
        for device in dict.fromkeys(["cpu", self.device]):
            stages = [self._time_stage(job, device) for job in entries.values()]
            label = f"all on {device}"

            def tell(message: dict[str, Any], label: str = label) -> None:
                self.watch(Event(label, "time", **message))

            outcomes = time_entries(stages, self.store, self.plan.settings.timeout, tell)
            failed = [outcome for outcome in outcomes if outcome.result is None]
            status, reason = (failed[0].status, failed[0].reason) if failed else ("ok", "")
            self.watch(Event(label, "time", status, reason=reason))
            times |= {
                (*pair, device): outcome for pair, outcome in zip(entries, outcomes, strict=True)
            }
        return times

    def _time_stage(self, job: Job, device: str) -> Time:
        settings = self.plan.settings
        if job.trained.result is None:
            raise ValueError("only a trained model can be timed")
        return Time(
            job.train,
            job.trained.result,
            job.sampler,
            settings.batch,
            settings.timing_rounds,
            settings.round_seconds,
            settings.timing_seconds,
            device,
            self.machine.cores,
            self.machine.label,
        )
