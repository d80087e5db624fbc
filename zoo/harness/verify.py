"""Every quality figure computed again from the kept conformations, floors and intervals too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from zoo.errors import StoreError, ZooError
from zoo.harness.execution import Runner
from zoo.harness.run import Event, Watch
from zoo.harness.stages import Floor, Score
from zoo.harness.store import Result, Store
from zoo.registry import Choice, Registry

TOLERANCE = 1e-3
"""Relative difference up to which figures agree: processors differ in the last digits, and a
metric that counts may count one conformation more."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something on a board that does not hold.

    Args:
        model: The line's model.
        sampler: The line's sampler.
        seed: Seed of the row; empty where the whole line is meant.
        figure: The metric or column, or `rows` or `sample` where those are at fault.
        kept: What is written.
        found: What it should be, or what is wrong.
    """

    model: str
    sampler: str
    seed: str
    figure: str
    kept: str
    found: str


@dataclass(frozen=True)
class Recomputed:
    """A row, and the same row with every figure made again.

    Args:
        row: The row.
        again: The row as its kept conformations give it; the row itself where they do not.
        faults: Why a metric could not be computed.
        fault: Why nothing could be computed, if so.
    """

    row: Row
    again: Row
    faults: Mapping[str, str]
    fault: str = ""

    def findings(self) -> Iterator[Finding]:
        """Where the row departs from its kept conformations."""
        name = (self.row["model"], self.row["sampler"], str(self.row["seed"]))
        if self.fault:
            yield Finding(*name, "sample", "", self.fault)
            return
        for metric, kept in self.row["values"].items():
            scale = scale_of(self.row, metric)
            if metric in self.faults:
                yield Finding(*name, metric, f"{kept:.6g}", self.faults[metric])
                continue
            for figure, old, new in self._figures(metric):
                if not agree(old, new, scale):
                    yield Finding(*name, figure, f"{old:.6g}", f"{new:.6g}")

    def _figures(self, metric: str) -> Iterator[tuple[str, float, float]]:
        """Name, kept and recomputed value of all that a row says of a metric."""
        rows = self.row, self.again
        yield metric, *(row["values"][metric] for row in rows)
        for what in ("replicates", "without"):
            lists = [row.get(what, {}).get(metric, ()) for row in rows]
            for place, (old, new) in enumerate(zip_longest(*lists, fillvalue=math.nan)):
                yield f"{metric} {what}[{place}]", old, new
        floors = [row["floors"].get(metric, {}) for row in rows]
        for end in sorted(floors[0] | floors[1]):
            yield f"{metric} floor {end}", *(one.get(end, math.nan) for one in floors)


def line_findings(
    line: Mapping[str, str],
    again: Mapping[str, str],
    figures: Iterable[tuple[str, str, float, float]],
    words: Iterable[str],
) -> Iterator[Finding]:
    """Where a line departs from what it should be.

    Args:
        line: The line, as text.
        again: The line made again, as text.
        figures: Column, metric, what is written and what it should be; NaN for nothing.
        words: Columns of text to look at.
    """
    name = line["model"], line["sampler"], ""
    for column, metric, written, expected in figures:
        floor = float(again.get(f"{metric}_floor") or 0.0)
        scale = 0.0 if column.endswith("_ratio") else floor
        both_empty = math.isnan(written) and math.isnan(expected)
        if not both_empty and not agree(written, expected, scale):
            texts = ["nothing" if math.isnan(x) else f"{x:.6g}" for x in (written, expected)]
            yield Finding(*name, column, *texts)
    for column in words:
        old, new = line.get(column, ""), again.get(column, "")
        if old != new:
            yield Finding(*name, column, old or "nothing", new or "nothing")


def agree(kept: float, found: float, scale: float) -> bool:
    """Whether two figures are the same but for rounding.

    Args:
        kept: What is written.
        found: What it should be.
        scale: Size of the metric's floor, below which digits mean nothing; same unit.

    Example:
        >>> agree(0.1, 0.10005, 0.02), agree(0.1, 0.1002, 0.02), agree(1e-9, 0.0, 0.02)
        (True, False, True)
    """
    difference = abs(kept - found)  # infinite or NaN if either is
    return math.isfinite(difference) and difference <= TOLERANCE * max(abs(kept), abs(scale))


def scale_of(row: Row, metric: str) -> float:
    """Size of a metric's floor on a row, 0 where it has none."""
    return float(row["floors"].get(metric, {}).get("mean", 0.0))


def recompute(
    rows: Sequence[Row], registry: Registry, store: Store, jobs: int, watch: Watch
) -> list[Recomputed]:
    """Compute every figure of rows again from their kept conformations, and their floors.

    Args:
        rows: The rows.
        registry: Whose metrics and datasets to use.
        store: Where the conformations are kept; it is only read.
        jobs: Rows at a time.
        watch: Takes events, from several threads.

    Returns:
        One for each row, in the same order.
    """
    with TemporaryDirectory(prefix="zoo-verify-") as scratch:
        work = _Work(registry, store, Runner(Store(Path(scratch)).open(), ""))

        def one(row: Row) -> Recomputed:
            found = work.again(row)
            name = f"{row['model']} {row['sampler']} seed {row['seed']}"
            watch(Event(name, "score", "error" if found.fault else "ok", reason=found.fault))
            return found

        with ThreadPoolExecutor(jobs) as pool:
            working = [pool.submit(one, row) for row in rows]
            try:
                return [future.result() for future in working]
            except BaseException:
                work.runner.stop()
                pool.shutdown(cancel_futures=True)
                raise


@dataclass(frozen=True)
class _Work:
    """What recomputing takes.

    Args:
        registry: Whose metrics and datasets to use.
        store: Where conformations are kept.
        runner: Runs stages, and keeps them elsewhere.
        lock: Held while a floor is looked for or made.
    """

    registry: Registry
    store: Store
    runner: Runner
    lock: Lock = field(default_factory=Lock)

    def again(self, row: Row) -> Recomputed:
        """One row made again."""
        if not row["values"]:
            return Recomputed(row, row, {})
        try:
            made_by, settings = row["made_by"], row["settings"]
            keys = made_by["keys"]
            dataset = self.registry.find("dataset", row["dataset"])
            data = kept_data(self.store, made_by["data_sha256"])
            score = Score(
                drawn=self.store.check("sample", keys["sample"]),
                dataset=dataset,
                data=data,
                metrics=self._metrics(row["values"]),
                replicas=_longest(row, "replicates"),
                draw_groups=_longest(row, "without"),
                evaluated=self.store.check("density", keys["density"])
                if "density" in keys
                else None,
            )
            metrics = self._metrics(row["floors"])
            repeats = settings["floor_repeats"]
            floor = Floor(dataset, data, metrics, settings["draws"], repeats)
        except (ZooError, KeyError) as error:
            return Recomputed(row, row, {}, str(error))
        with self.lock:  # rows share their floor: the first makes it, the others find it
            floors = self.runner.resolve(floor, lambda _message: None)
        scores = self.runner.resolve(score, lambda _message: None)
        if floors.result is None or scores.result is None:
            bad = scores if scores.result is None else floors
            return Recomputed(row, row, {}, f"{bad.status}: {bad.reason}")
        facts = scores.result.facts
        made = {name: facts[name] for name in ("values", "replicates", "without")}
        return Recomputed(row, {**row, **made, **floors.result.facts}, facts["faults"])

    def _metrics(self, names: Iterable[str]) -> tuple[Choice, ...]:
        return tuple(self.registry.find("metric", name) for name in names)


def _longest(row: Row, what: str) -> int:
    """How many replicates a row has."""
    return max(map(len, row.get(what, {}).values()), default=0)


def kept_data(store: Store, sha256: str) -> Result:
    """The kept conformations of a dataset, whatever code made them.

    Raises:
        StoreError: If they are missing or damaged.
    """
    reason = ""
    for folder in sorted((store.root / "data").glob("*")):
        try:
            found = store.check("data", folder.name)
        except StoreError as error:
            reason = f" {error}"
            continue
        if found.facts.get("sha256") == sha256:
            return found
    raise StoreError(f"no data with the SHA-256 {sha256[:12]} are kept.{reason}")
