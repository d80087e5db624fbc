"""Rows into the store: of jobs that came to an end, and of those that a stopped run leaves.

Fresh rows wait in a file each for the times that are taken last: a run may have more jobs than
fit into memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.errors import StoreError
from zoo.harness.execution import Outcome
from zoo.harness.identity import identify
from zoo.harness.machine import Machine
from zoo.harness.plan import Plan
from zoo.harness.rows import Job, Row, make_row, with_times
from zoo.harness.stages import Train
from zoo.harness.store import Store
from zoo.harness.whole import digest, saving

Floors = dict[str, dict[str, float]]
"""Mean, and low and high of the 95% band, of each metric."""

Names = tuple[str, str]
"""Labels of a model and a sampler."""

Times = Mapping[tuple[str, str, str], Outcome]
"""How the timing of a model with a sampler on a device ended."""

SKIPPED = Outcome("skipped", "the run ended before this job had begun")


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

    @cached_property
    def _fresh(self) -> Path:
        return self.store.scratch()

    def enter(self, job: Job, floors: Floors) -> str:
        """Keep the row of a job that has no times yet, unless its row is there, perhaps with them.

        An interrupt from here on costs times only.

        Returns:
            Its key.

        Raises:
            StoreError: If it cannot be saved; the message has the scores.
        """
        row = make_row(job, self.plan, floors, {}, self.machine)
        fresh = self._fresh / f"{job.key}.json"
        with saving(fresh):
            fresh.write_text(json.dumps([row, job.unscored_key]), encoding="utf-8")
        if self.store.row(job.key).get("status") != "ok":
            self._keep(row, job.unscored_key)
        return job.key

    def close(self, key: str, times: Times) -> None:
        """Add its times to a row that was entered.

        Raises:
            StoreError: If it cannot be saved; the message has the scores.
        """
        row, unscored = json.loads((self._fresh / f"{key}.json").read_bytes())
        mine = (row["model"], row["sampler"])
        found = {device: one for (*names, device), one in times.items() if tuple(names) == mine}
        self._keep(with_times(row, found), unscored)

    def enter_unfinished(
        self, left: Iterable[tuple[Train, list[Job] | None]], floors: Floors
    ) -> None:
        """Keep a row of every job of a run that is stopped, as far as it came.

        Jobs whose scores an earlier run has kept are left as they are.

        Args:
            left: Trainings that had not come to their end, and jobs of those that had begun.
            floors: The floors, if they are known.
        """
        with suppress(StoreError):  # the reason why it is stopped, perhaps, and told of already
            whole = {_maker(row) for row in self.store.rows() if row.get("status") == "ok"}
            for job in _jobs(self.plan, left):
                asked = job.train.key, digest(identify(job.sampler)), job.compiled
                if job.verdict[0] == "ok" or asked not in whole:
                    self.enter(job, floors)

    def _keep(self, row: Row, unscored: str) -> None:
        """Keep a row, in place of one from a time when its job had no scores."""
        try:
            self.store.keep_row(row["key"], row)
        except StoreError as error:
            scores = ", ".join(f"{name} = {value:.6g}" for name, value in row["values"].items())
            what = f"{row['model']} · {row['sampler']} seed {row['seed']}"
            raise StoreError(f"{error} {what}: {row['status']}; {scores or 'no scores'}.") from None
        if row["key"] != unscored:
            self.store.forget_row(unscored)


def _jobs(plan: Plan, left: Iterable[tuple[Train, list[Job] | None]]) -> Iterator[Job]:
    compiled = plan.settings.compiled
    for train, jobs in left:
        entries = plan.entries_of(train.model)
        yield from jobs or [Job(train, entry.sampler, compiled, SKIPPED) for entry in entries]


def _maker(row: Mapping[str, Any]) -> tuple[Any, str, bool]:
    """The training and the sampler that a row is of, and whether calls were compiled."""
    made_by, compiled = row.get("made_by", {}), row.get("settings", {}).get("compiled", False)
    return made_by.get("keys", {}).get("train"), digest(made_by.get("sampler")), compiled
