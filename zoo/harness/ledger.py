"""Rows into the store: of jobs that came to an end, and of those that a stopped run leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from zoo.errors import StoreError
from zoo.harness.execution import Outcome
from zoo.harness.identity import identify
from zoo.harness.machine import Machine
from zoo.harness.plan import Plan
from zoo.harness.rows import Job, Row, make_row
from zoo.harness.stages import Train
from zoo.harness.store import Store
from zoo.registry import Choice

Floors = dict[str, dict[str, float]]
"""Mean, and low and high of the 95% band, of each metric."""

Times = Mapping[tuple[Choice, Choice, str], Outcome]
"""How the timing of a model with a sampler on a device ended."""

Working = tuple[Train, Future[list[Job]]]
"""A training, and the jobs that will come of it."""

SKIPPED = Outcome("skipped", "the run ended before this job had begun")

T = TypeVar("T")


@dataclass(frozen=True)
class Ledger:
    """Where a run's rows go.

    Args:
        plan: What the run was asked for.
        store: Where rows are kept.
        machine: Where this happens.
    """

    plan: Plan
    store: Store
    machine: Machine

    def keep(self, job: Job, floors: Floors, times: Times) -> Row:
        """Keep the row of a job, in place of one from a time when it had no scores.

        Raises:
            StoreError: If it cannot be saved; the message has the scores.
        """
        found = {
            device: outcome
            for (model, sampler, device), outcome in times.items()
            if (model, sampler) == (job.train.model, job.sampler)
        }
        row = make_row(job, self.plan, floors, found, self.machine)
        try:
            self.store.keep_row(job.key, row)
        except StoreError as error:
            scores = ", ".join(f"{name} = {value:.6g}" for name, value in row["values"].items())
            what = f"{row['model']} · {row['sampler']} seed {row['seed']}"
            raise StoreError(f"{error} {what}: {row['status']}; {scores or 'no scores'}.") from None
        if job.key != job.unscored_key:
            self.store.forget_row(job.unscored_key)
        return row

    def keep_scores(self, jobs: Iterable[Job], floors: Floors) -> None:
        """Keep rows that have no times yet, but of jobs whose row is there, perhaps with times.

        Raises:
            StoreError: If one cannot be saved; the message has the scores.
        """
        there = {key for key, row in self.store.keyed_rows().items() if row.get("status") == "ok"}
        for job in jobs:
            if job.key not in there:
                self.keep(job, floors, {})

    def keep_unfinished(self, working: Sequence[Working], floor: Future[Floors]) -> None:
        """Keep a row of every job of a run that is stopped, as far as it came.

        Jobs whose scores an earlier run has kept are left as they are.
        """
        with suppress(StoreError):  # the reason why it is stopped, perhaps, and told of already
            whole = [row for row in self.store.rows() if row.get("status") == "ok"]
            new = [
                job
                for job in _jobs(self.plan, working)
                if job.verdict[0] == "ok" or not any(_is_of(row, job) for row in whole)
            ]
            self.keep_scores(new, _result(floor, {}))


def _jobs(plan: Plan, working: Sequence[Working]) -> Iterator[Job]:
    for train, future in working:
        entries = plan.entries_of(train.model)
        yield from _result(future, [Job(train, entry.sampler, SKIPPED) for entry in entries])


def _result(future: Future[T], otherwise: T) -> T:
    """What a future gave, if it did."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return otherwise
    return future.result()


def _is_of(row: Mapping[str, Any], job: Job) -> bool:
    """Whether a row is of the very same training and sampler."""
    made_by = row.get("made_by", {})
    keys = made_by.get("keys", {})
    return bool(
        keys.get("train") == job.train.key and made_by.get("sampler") == identify(job.sampler)
    )
