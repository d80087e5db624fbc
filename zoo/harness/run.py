"""The driver: from a plan to rows, one per job, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

from zoo.engine import Engine, Local
from zoo.errors import PluginError, UsageError
from zoo.harness.attempt import Limits
from zoo.harness.clocked import Time
from zoo.harness.execution import Outcome, Runner
from zoo.harness.handout import Handout
from zoo.harness.jobs import drawing, evaluation, scoring, training
from zoo.harness.ledger import Floors, Ledger, Names, Times
from zoo.harness.machine import Machine
from zoo.harness.plan import Entry, Plan
from zoo.harness.rows import Job, Row
from zoo.harness.stages import CANARY_NAMES, Floor, Materialise, Power, Stage, Train
from zoo.harness.store import Result, Store
from zoo.harness.timing import time_entries
from zoo.registry import Choice

_NUMBER = itemgetter(0)

FEW = 2
"""Trainings under way for each place where there is room for one: none of them waits for us."""

THREADS = 4_096
"""Trainings under way at most."""


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
        host: Where it was done, if not here.
    """

    job: str
    stage: str
    status: str = ""
    done: int = 0
    total: int = 0
    loss: float | None = None
    reason: str = ""
    host: str = ""


Watch = Callable[[Event], None]
Worked = tuple[int, list[Job], Floors]
"""Number of a training, its jobs at their end, and the floors."""


@dataclass(frozen=True)
class Run:
    """One run of a plan.

    Args:
        plan: What to do.
        store: Where results are kept.
        device: Where to train and draw, `cpu` or `cuda`.
        machine: Where this happens, for the record.
        jobs: Trainings at a time; each uses one thread. 0 for as many as the engine has room for.
        watch: Takes events, from several threads.
        engine: What carries out the work.
        host: Where entries are timed, if the engine has hosts.
    """

    plan: Plan
    store: Store
    device: str
    machine: Machine
    jobs: int = 1
    watch: Watch = lambda _event: None
    engine: Engine = field(default_factory=Local)
    host: str = ""

    @cached_property
    def runner(self) -> Runner:
        """What runs the stages."""
        settings = self.plan.settings
        limits = Limits(settings.timeout, settings.memory_gb)
        return Runner(self.store, self.machine.label, limits, self.engine)

    def execute(self) -> list[Row]:
        """Do everything, keep everything, and return one row per job; see `carry_out`."""
        return [self.store.row(key) for key in self.carry_out()]

    def carry_out(self) -> list[str]:
        """Do everything and keep everything.

        Returns:
            The keys of the rows, one per job in the order of the plan.

        Raises:
            PluginError: If the dataset itself cannot be made.
            StoreError: If a result could not be saved.
            KeyboardInterrupt: If interrupted; what had finished is kept.
        """
        data, ledger = self.data(), Ledger(self.plan, self.store, self.machine)
        keys: dict[int, list[str]] = {}
        timed: dict[Names, tuple[int, Job]] = {}
        with closing(self._worked(data, ledger)) as worked:
            for number, jobs, floors in worked:
                keys[number] = [ledger.enter(job, floors) for job in jobs]
                for job in jobs:
                    if job.scored and job.scored.result:
                        names, one = (job.train.model.label, job.sampler.label), (number, job)
                        timed[names] = min(timed.get(names, one), one, key=_NUMBER)
        with self.store.claim("times", threading.Event()):  # two runs would disturb each other
            times = self._time([job for _, job in sorted(timed.values(), key=_NUMBER)])
        ordered = [key for number in sorted(keys) for key in keys[number]]
        for key in ordered:
            ledger.close(key, times)
        return ordered

    def _worked(self, data: Result, ledger: Ledger) -> Generator[Worked, None, None]:
        """The jobs of each training, as they are done, and the floors; rows of all if stopped."""
        with ThreadPoolExecutor(self.jobs or THREADS) as pool:
            floor = pool.submit(self.floors, data, self.plan.metrics, self.plan.settings.draws)
            handout = Handout(self._trainings(data), self._work, self._room, pool)
            try:
                for number, jobs in handout.done():
                    yield number, jobs, floor.result()
                floor.result()
            except BaseException:
                self.runner.stop()
                pool.shutdown(cancel_futures=True)
                ended = not floor.cancelled() and floor.exception() is None
                ledger.enter_unfinished(handout.left(), floor.result() if ended else {})
                raise

    def _room(self) -> int:
        """How many trainings may be under way: some for each place where there is one."""
        return self.jobs or FEW * sum(self.engine.slots(self.device).values())

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
        reason, host = outcome.reason, outcome.host
        self.watch(Event(label, stage.name, status, reason=reason, host=host))
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

    def _trainings(self, data: Result) -> Iterator[Train]:
        """All of them, the references last: they are short, and fill the gaps at the end."""
        for reference in (False, True):
            for seed in range(self.plan.settings.seeds):
                for model in self.plan.models:
                    if model.listing.spec.reference == reference:
                        yield self.train(model, data, seed)

    def _work(self, train: Train) -> list[Job]:
        """Train one model, ask for its density, and draw and score it with each sampler."""
        label = f"{train.model.label} seed {train.seed}"
        trained, evaluated = self.resolve(train, label), None
        entries = self.plan.entries_of(train.model)
        if trained.result and any(map(self.plan.densities_of, entries)):
            evaluated = self.resolve(evaluation(self.plan, train, trained.result), label)
        compiled = self.plan.settings.compiled
        jobs = [Job(train, entry.sampler, compiled, trained, evaluated) for entry in entries]
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

    def _time(self, jobs: Sequence[Job]) -> Times:
        """Time each entry once, with the weights of its first good seed, on every device."""
        if not self.plan.settings.timing_rounds or not jobs:
            return {}
        times: dict[tuple[str, str, str], Outcome] = {}
        for device in dict.fromkeys(["cpu", self.device]):
            stages = [self._time_stage(job, device) for job in jobs]
            label = f"all on {device}"

            def tell(message: dict[str, Any], label: str = label) -> None:
                self.watch(Event(label, "time", **message))

            outcomes = time_entries(stages, self.runner, tell, self.host)
            failed = [outcome for outcome in outcomes if outcome.result is None]
            status, reason = (failed[0].status, failed[0].reason) if failed else ("ok", "")
            where = outcomes[0].host
            self.watch(Event(label, "time", status, reason=reason, host=where))
            for job, outcome in zip(jobs, outcomes, strict=True):
                times[job.train.model.label, job.sampler.label, device] = outcome
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
            settings.compiled,
        )
