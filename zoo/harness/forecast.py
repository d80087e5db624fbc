"""What a run would find, and how long the rest would take: nothing is made, or read through.

A result counts as kept if it is there under its key; whether it is whole, the run will see.
"""

from __future__ import annotations

import heapq
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from zoo.harness.identity import one_moment
from zoo.harness.jobs import drawing, evaluation, scoring, training
from zoo.harness.plan import Entry, Plan
from zoo.harness.rowfile import read_row
from zoo.harness.settings import Settings
from zoo.harness.stages import Materialise, Stage, Train
from zoo.harness.store import RECORD, Result
from zoo.registry.options import name_in

EARLIER = 1_000
"""Rows that are looked at, the newest ones, to see how long things take."""

Row = Mapping[str, Any]


class Step(NamedTuple):
    """One stage of a job, by the labels of what it is of; `sampler` is empty for a training."""

    stage: str
    model: str
    sampler: str
    dataset: str


@dataclass(frozen=True)
class Forecast:
    """What a run would find, and what is missing.

    Args:
        kept: How many results are kept, by stage.
        missing: How many are not.
        seconds: What the missing ones take one after another, as far as is known.
        unknown: Models, and what they are drawn with, of which nobody knows how long they take.
        rows: How many earlier rows say so.
    """

    kept: Mapping[str, int]
    missing: Mapping[str, int]
    seconds: float
    unknown: tuple[str, ...]
    rows: int


def look_ahead(plans: Sequence[Plan], root: Path, device: str) -> Forecast:
    """See what is kept of plans, and how long the rest would take.

    Args:
        plans: Plans of one run, with one budget.
        root: The results folder, which may be missing.
        device: Where the run would train and draw.
    """
    search = _Search(root, device)
    with one_moment():
        for plan in plans:
            search.look(plan)
    rows = list(_newest_rows(root / "rows"))
    usual = _usual_seconds(rows, root, plans[0].settings)
    missing: Counter[str] = Counter()
    seconds, unknown = 0.0, set()
    for step, count in search.missing.items():
        missing[step.stage] += count
        each = (
            next((usual[one] for one in _ever_wider(step) if one in usual), None) if usual else None
        )
        seconds += count * (each or 0.0)
        unknown |= {name_in(step.model)} if each is None else set()
    return Forecast(search.kept, missing, seconds, tuple(sorted(unknown)), len(rows))


@dataclass
class _Search:
    """Which results of plans are there, and how many of each step are not."""

    root: Path
    device: str
    kept: Counter[str] = field(default_factory=Counter)
    missing: Counter[Step] = field(default_factory=Counter)
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def look(self, plan: Plan) -> None:
        """Look for the results of one plan."""
        data = self._find(Materialise(plan.dataset))
        for model in plan.models:
            entries = plan.entries_of(model)
            dense = any(map(plan.densities_of, entries))
            for seed in range(plan.settings.seeds):
                train = training(plan, model, data, seed, self.device) if data else None
                self._follow(plan, entries, train, dense=dense)

    def _follow(
        self, plan: Plan, entries: Sequence[Entry], train: Train | None, *, dense: bool
    ) -> None:
        """Look for a training, and for all that comes of it."""
        trained = train and self._find(train)
        self._count("train", plan, entries[0], trained)
        evaluated = train and trained and dense and self._find(evaluation(plan, train, trained))
        if dense:
            self._count("density", plan, entries[0], evaluated)
        for entry in entries:
            drawn = train and trained and self._find(drawing(plan, entry, train, trained))
            scored = None
            if train and drawn and (evaluated or not dense):
                stage = scoring(plan, entry, drawn, train.data, evaluated or None)
                scored = self._find(stage)
            self._count("sample", plan, entry, drawn)
            self._count("score", plan, entry, scored)

    def _count(self, stage: str, plan: Plan, entry: Entry, found: object) -> None:
        if found:
            self.kept[stage] += 1
            return
        sampler = entry.sampler.label if stage in _DRAWN else ""
        self.missing[Step(stage, entry.model.label, sampler, plan.dataset.label)] += 1

    def _find(self, stage: Stage) -> Result | None:
        """A result that is kept; where nothing is, no key is asked for, since that takes time."""
        if stage.name not in self._names:
            folders = (self.root / stage.name).glob("*")
            self._names[stage.name] = frozenset(path.name for path in folders)
        names = self._names[stage.name]
        if not names or (key := stage.key) not in names:
            return None
        folder = self.root / stage.name / key
        record = _record(folder) if stage.name in _BUILT_ON else _NOTHING
        if record is None:
            return None
        return Result(stage.name, key, folder, record["facts"], record["files"], record["made"])


def _usual_seconds(rows: Sequence[Row], root: Path, settings: Settings) -> dict[Step, float]:
    """Median time of the steps that rows are of, and of all that are like them."""
    found, seen = defaultdict(list), set()
    for row in rows:
        for stage, key in row["made_by"].get("keys", {}).items():
            record = None if (stage, key) in seen else _record(root / stage / key)
            seen.add((stage, key))  # entries share a training
            if record and "stage_seconds" in record["facts"]:
                seconds = record["facts"]["stage_seconds"] * _scale(stage, row, settings)
                sampler = row["sampler"] if stage in _DRAWN else ""
                for step in _ever_wider(Step(stage, row["model"], sampler, row["dataset"])):
                    found[step].append(seconds)
    return {step: statistics.median(seconds) for step, seconds in found.items()}


def _ever_wider(step: Step) -> Iterator[Step]:
    """The step itself, the same on any data, and the same with any options on any data."""
    yield step
    yield step._replace(dataset="*")
    yield Step(step.stage, f"{name_in(step.model)}[*]", f"{name_in(step.sampler)}[*]", "*")


def _scale(stage: str, row: Row, settings: Settings) -> float:
    """How much longer a step of a row takes at another budget, as far as the row tells."""
    was = row["settings"]
    if stage in _DRAWN:
        return settings.draws / max(1, int(was["draws"]))
    if stage != "train" or not row["epochs"]:
        return 1.0
    names_its_own = row["epochs"] != was["epochs"]
    return 1.0 if names_its_own and settings.own_epochs else settings.epochs / int(row["epochs"])


def _newest_rows(folder: Path) -> Iterator[Row]:
    for path in heapq.nlargest(EARLIER, folder.glob("*.json"), key=_changed):
        with suppress(OSError, ValueError):  # a run says what is wrong with it
            yield read_row(path)


def _changed(path: Path) -> int:
    """When a file was written; a run may have forgotten it since it was found."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _record(folder: Path) -> dict[str, Any] | None:
    """What a result says of itself, unless it is not there or cannot be read."""
    with suppress(OSError, ValueError):
        record = json.loads((folder / RECORD).read_bytes())
        if isinstance(record, dict) and record.keys() >= _NOTHING.keys():
            return record
    return None


_NOTHING: dict[str, Any] = {"facts": {}, "files": {}, "made": ""}
_BUILT_ON = ("data", "density", "sample")
"""Stages of whose results later keys depend on more than the key."""

_DRAWN = ("sample", "score")
"""Stages of an entry; the others are of a training."""
