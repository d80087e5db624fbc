"""Every quality figure computed again from the kept conformations, without the kept scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from zoo.errors import StoreError, UsageError, ZooError
from zoo.harness.execution import Runner
from zoo.harness.run import Event, Watch
from zoo.harness.stages import Score
from zoo.harness.store import Result, Store
from zoo.registry import Registry

TOLERANCE = 1e-4
"""Relative difference up to which figures agree: the CSV has six digits, and processors differ."""

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
    """A row and what its kept conformations give.

    Args:
        row: The row.
        values: Each metric of the row, computed again.
        faults: Why a metric could not be computed.
        fault: Why nothing could be computed, if so.
    """

    row: Row
    values: Mapping[str, float]
    faults: Mapping[str, str]
    fault: str = ""

    def findings(self) -> Iterator[Finding]:
        """Where the row departs from its kept conformations."""
        name = (self.row["model"], self.row["sampler"], str(self.row["seed"]))
        if self.fault:
            yield Finding(*name, "sample", "", self.fault)
            return
        for metric, kept in self.row["values"].items():
            found = self.values.get(metric)
            if found is None:
                yield Finding(*name, metric, f"{kept:.6g}", self.faults.get(metric, "no value"))
            elif not agree(kept, found, scale_of(self.row, metric)):
                yield Finding(*name, metric, f"{kept:.6g}", f"{found:.6g}")


def line_findings(
    line: Mapping[str, str], rows: Sequence[Row], figures: Iterable[tuple[str, str, float, float]]
) -> Iterator[Finding]:
    """Where a line departs from what its rows and their conformations give.

    Args:
        line: The line, as text.
        rows: Its rows.
        figures: Column, metric, what is written and what it should be; NaN for nothing.
    """
    for column, metric, written, expected in figures:
        scale = 0.0 if column.endswith("_ratio") else scale_of(rows[0], metric)
        both_empty = math.isnan(written) and math.isnan(expected)
        if not both_empty and not agree(written, expected, scale):
            texts = ["nothing" if math.isnan(x) else f"{x:.6g}" for x in (written, expected)]
            yield Finding(line["model"], line["sampler"], "", column, *texts)


def agree(kept: float, found: float, scale: float) -> bool:
    """Whether two figures are the same but for rounding.

    Args:
        kept: What is written.
        found: What it should be.
        scale: Size of the metric's floor, below which digits mean nothing; same unit.

    Example:
        >>> agree(0.1, 0.100005, 0.02), agree(0.1, 0.10002, 0.02), agree(1e-9, 0.0, 0.02)
        (True, False, True)
    """
    difference = abs(kept - found)  # infinite or NaN if either is
    return math.isfinite(difference) and difference <= TOLERANCE * max(abs(kept), abs(scale))


def scale_of(row: Row, metric: str) -> float:
    """Size of a metric's floor on a row, 0 where it has none."""
    return float(row["floors"].get(metric, {}).get("mean", 0.0))


def find_rows(line: Mapping[str, str], rows: Mapping[str, Row]) -> dict[str, Row]:
    """The rows a line was made of, by their keys.

    Args:
        line: A line of a `leaderboard.csv`, as text.
        rows: All rows kept, by their keys.

    Raises:
        StoreError: If one is missing, is another line's, or there are too few or too many.
    """
    named = line.get("rows", "").split()
    for key in named:
        if key not in rows:
            raise StoreError(f"the row {key} is missing or cannot be read.")
        if not _belongs(rows[key], line):
            raise StoreError(f"the row {key} is of another line.")
    found = {key: rows[key] for key in named}
    if not named:
        newest: dict[int, str] = {}
        for key in sorted(rows, key=lambda key: str(rows[key].get("measured"))):
            if _belongs(rows[key], line):
                newest[rows[key]["seed"]] = key
        found = {newest[seed]: rows[newest[seed]] for seed in sorted(newest)}
    good = {row["seed"] for row in found.values() if row["status"] == "ok"}
    if str(len(good)) != line["seeds"] or not found:
        raise StoreError(f"{len(good)} seeds are kept, and the line says {line['seeds']}.")
    return found


def choose_rows(rows: Mapping[str, Row], names: Sequence[str], where: str) -> dict[str, Row]:
    """The rows of a model and a sampler, perhaps at a seed, or the row of a key.

    Args:
        rows: All rows kept, by their keys.
        names: Model, sampler and perhaps a seed; or the beginning of one key.
        where: What to call the folder they are kept in.

    Raises:
        UsageError: If there is none, or the key's beginning is that of several.
    """
    if len(names) == 1:
        found = {key: row for key, row in rows.items() if key.startswith(names[0])}
        if len(found) > 1:
            raise UsageError(f"{len(found)} rows in {where!r} begin with {names[0]!r}. Give more.")
    else:
        found = {
            key: row
            for key, row in rows.items()
            if [row.get("model"), row.get("sampler"), str(row.get("seed"))][: len(names)]
            == list(names)
        }
    if not found:
        labels = {f"{row.get('model')} {row.get('sampler')}" for row in rows.values()}
        near = get_close_matches(" ".join(names[:2]), sorted(labels), n=3, cutoff=0.3)
        there = f"Near it are: {', '.join(near)}." if near else "See `zoo leaderboard`."
        raise UsageError(f"no row of {' '.join(names)!r} is kept in {where!r}. {there}")
    return found


def _belongs(row: Row, line: Mapping[str, str]) -> bool:
    try:
        made_by = row["made_by"]
        sha256 = made_by["data_sha256"].startswith(line["data_sha256"])
        same = [row[name] == line[name] for name in ("model", "sampler", "dataset")]
        budget = row["settings"]["preset"], made_by["device"]
        return sha256 and all(same) and budget == (line["preset"], line["device"])
    except (KeyError, TypeError, AttributeError):
        return False


def recompute(
    rows: Sequence[Row], registry: Registry, store: Store, jobs: int, watch: Watch
) -> list[Recomputed]:
    """Compute every metric of rows again from their kept conformations.

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
        runner = Runner(Store(Path(scratch)).open(), "")

        def one(row: Row) -> Recomputed:
            found = _recompute(row, registry, store, runner)
            name = f"{row['model']} {row['sampler']} seed {row['seed']}"
            watch(Event(name, "score", "error" if found.fault else "ok", reason=found.fault))
            return found

        with ThreadPoolExecutor(jobs) as pool:
            working = [pool.submit(one, row) for row in rows]
            try:
                return [future.result() for future in working]
            except BaseException:
                runner.stop()
                pool.shutdown(cancel_futures=True)
                raise


def in_all(rows: Sequence[Recomputed]) -> dict[str, list[float]]:
    """Values of the metrics that every row of a line has, seed by seed."""
    names = set.intersection(*(set(row.values) for row in rows))
    return {name: [row.values[name] for row in rows] for name in names}


def _recompute(row: Row, registry: Registry, store: Store, runner: Runner) -> Recomputed:
    try:
        if not row["values"]:
            return Recomputed(row, {}, {})
        stage = Score(
            drawn=store.check("sample", row["made_by"]["keys"]["sample"]),
            dataset=registry.find("dataset", row["dataset"]),
            data=_data(store, row["made_by"]["data_sha256"]),
            metrics=tuple(registry.find("metric", name) for name in row["values"]),
        )
    except (ZooError, KeyError) as error:
        return Recomputed(row, {}, {}, str(error))
    outcome = runner.resolve(stage, lambda _message: None)
    if outcome.result is None:
        return Recomputed(row, {}, {}, f"{outcome.status}: {outcome.reason}")
    facts = outcome.result.facts
    return Recomputed(row, facts["values"], facts["faults"])


def _data(store: Store, sha256: str) -> Result:
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
