"""One line of the board from the rows of its seeds: what it is, and its metrics."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from zoo.board.statistics import Array, Scores, jackknife_variance
from zoo.board.times import timing
from zoo.specs import HEADLINE

HUGE = 1e100
"""Numbers from here on are taken for infinite: their squares are."""

AT_ONCE = 100
"""Lines that are estimated at a time: few enough that their scores stay in the cache."""

Row = Mapping[str, Any]
_BUDGET = ("preset", "epochs", "own_epochs", "draws", "batch")
"""The settings that make lines of different budgets."""

_SHOWN = (HEADLINE, "bond_w1", "ree_w1")
"""Metrics that have a column on every board, whether or not anybody computed them."""


def group(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of the same line together: of the code that ran last, the newest of each seed."""
    lines: dict[Any, list[tuple[list[Any], dict[int, Row]]]] = {}
    for row in sorted(rows, key=lambda row: str(row["measured"])):
        made_by = row["made_by"]
        free = _free(made_by)
        budget = [row["settings"].get(name) for name in _BUDGET if name not in free]
        line = (
            *(row["model"], row["sampler"], row["dataset"]),
            *(made_by["data_sha256"], made_by["device"], *budget),
        )
        maker = [made_by["model"], made_by["sampler"], made_by["code"]]
        makers = lines.setdefault(line, [])
        own = next((own for own in makers if own[0] == maker), (maker, {}))
        own[1][row["seed"]] = row
        if not makers or makers[-1] is not own:  # the one that ran last comes last
            makers[:] = [*(other for other in makers if other is not own), own]
    return [
        [jobs[seed] for seed in sorted(jobs)] for jobs in (own[-1][1] for own in lines.values())
    ]


def _free(made_by: Mapping[str, Any]) -> Set[str]:
    """What files that somebody brought may have more or less of than those before."""
    return {"draws"} if made_by.get("brought") else set()


def describe(jobs: Sequence[Row]) -> dict[str, Any]:
    """Everything of a line but its metrics and its rank."""
    first = jobs[0]
    failed = [job for job in jobs if _status(job) != "ok"]
    return {
        "schema": first["schema"],
        "model": first["model"],
        "sampler": first["sampler"],
        "dataset": first["dataset"],
        "status": _status(failed[0]) if failed else "ok",
        "seeds": len(jobs) - len(failed),
        "trainings": len(jobs),
        "nfe": _mean(jobs, "nfe"),
        "parameters": first["parameters"],
        "train_seconds": _mean(jobs, "train_seconds"),
        "reason": _reason(jobs, failed),
        "flags": " ".join(dict.fromkeys(word for job in jobs for word in job.get("flags", ()))),
        "part": "failed" if failed else "reference" if first["reference"] else "ranked",
        **timing(jobs),
        **_provenance(jobs),
    }


def _status(job: Row) -> str:
    """A job's status; without a finite headline it has no result, whatever it says."""
    if job["status"] == "ok" and not _is_number(job["values"].get(HEADLINE)):
        return "invalid"
    return str(job["status"])


def _is_number(value: object) -> bool:
    """Whether a metric has a value that is a number: NaN neither wins nor ties."""
    return isinstance(value, float | int) and abs(value) < HUGE


def _numbers(job: Row) -> dict[str, float]:
    """The values of a job that are numbers."""
    values: dict[str, float] = job["values"]
    with suppress(TypeError):
        if sum(map(abs, values.values())) < HUGE:  # all of them, the most common case by far
            return values
    return {name: value for name, value in values.items() if _is_number(value)}


def metric_columns(lines: Sequence[Sequence[Row]]) -> pd.DataFrame:
    """For every metric its mean, interval, floor, ratio to the floor, and the seeds' values."""
    names = dict.fromkeys(_SHOWN)
    for jobs in lines:
        for job in jobs:
            for found in (job["values"], job["floors"]):
                if not found.keys() <= names.keys():
                    names |= dict.fromkeys(found)
    order = list(names)
    numbers = [[_numbers(job) for job in jobs] for jobs in lines]
    estimates = _estimates(lines, numbers, {name: place for place, name in enumerate(order)})
    # Line by line, since what belongs to a line lies together in memory.
    words = [
        [_in_words(values) for values in zip(*(map(one.get, order) for one in own), strict=True)]
        for own in numbers
    ]
    known = np.array([[_known(jobs[0], name) for name in order] for jobs in lines], dtype=float)
    columns: dict[str, Any] = {}
    for place, (name, value, half) in enumerate(zip(order, *estimates, strict=True)):
        least, mean, *band = known[:, place].T
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(mean != 0, value / mean, math.nan)
        columns |= {
            name: value,
            f"{name}_low": np.maximum(value - half, np.fmin(least, value)),
            f"{name}_high": value + half,
            f"{name}_floor": mean,
            f"{name}_floor_low": band[0],
            f"{name}_floor_high": band[1],
            f"{name}_ratio": ratio,
            f"{name}_seeds": [line[place] for line in words],
        }
    return pd.DataFrame(columns)


def scores(lines: Sequence[Sequence[Row]], names: Sequence[str]) -> Scores:
    """Scores of lines with the same seeds: all metrics of the first line, then of the second.

    Args:
        lines: Rows of each line; every one has a value of every metric.
        names: Metrics of which a line has as many replicates as of the first.
    """
    jobs = [job for line in lines for job in line]
    count = min(len(job.get("replicates", {}).get(names[0], ())) for job in jobs)
    each = (map(job["values"].__getitem__, names) for job in jobs)
    others = (
        found[:count]
        for job in jobs
        if count
        for found in map(job["replicates"].__getitem__, names)
    )
    parts = (
        np.fromiter(chain.from_iterable(found), float).reshape(len(lines), -1, len(names), width)
        for found, width in ((each, 1), (others, count))
        if width
    )
    # From (line, seed, metric, test set) to (line and metric, seed, test set).
    by_metric = np.concatenate(list(parts), axis=-1).swapaxes(1, 2)
    table = by_metric.reshape(-1, *by_metric.shape[2:])
    # Replicates that are no numbers say nothing, as if all test sets had given the same.
    silent = ~(np.abs(table) < HUGE).all(axis=(1, 2))
    table[silent] = table[silent][:, :, :1]
    noise = np.array([_draw_noise(jobs[0], name) for jobs in lines for name in names], dtype=float)
    groups = max((len(jobs[0].get("without", {}).get(names[0], ())) for jobs in lines), default=0)
    return Scores(table, noise, groups)


def _estimates(
    lines: Sequence[Sequence[Row]],
    numbers: Sequence[Sequence[Mapping[str, float]]],
    place: Mapping[str, int],
) -> tuple[Array, Array]:
    """Mean and half the interval, shape (metrics, lines); NaN unless every job has a value."""
    value, half = (np.full((len(place), len(lines)), math.nan) for _ in range(2))
    for (names, *_), alike in _alike(lines, numbers).items():
        for some in (alike[k : k + AT_ONCE] for k in range(0, len(alike), AT_ONCE)):
            found = scores([lines[index] for index in some], names).estimate()
            where = np.ix_([place[name] for name in names], some)
            value[where] = found.mean.reshape(len(some), -1).T
            half[where] = found.half_width.reshape(len(some), -1).T
    return value, half


def _alike(
    lines: Sequence[Sequence[Row]], numbers: Sequence[Sequence[Mapping[str, float]]]
) -> dict[tuple[tuple[str, ...], int, int], list[int]]:
    """Numbers of the lines that can be estimated together, by metrics, seeds and replicas."""
    found = defaultdict(list)
    for index, (jobs, own) in enumerate(zip(lines, numbers, strict=True)):
        if any(_status(job) != "ok" for job in jobs):
            continue
        by_replicas = defaultdict(list)
        counts = _counts(jobs)
        for name in _in_all(own):
            by_replicas[counts.get(name, 0)].append(name)
        for count, names in by_replicas.items():
            found[tuple(names), len(jobs), count].append(index)
    return found


def _in_all(values: Sequence[Mapping[str, float]]) -> list[str]:
    """Names of the metrics that every job has a number of, in the order of the first."""
    first, *others = values
    if all(one.keys() == first.keys() for one in others):  # the most common case by far
        return list(first)
    return [name for name in first if all(name in one for one in others)]


def _counts(jobs: Sequence[Row]) -> dict[str, int]:
    """Replicates of each metric that every job of a line has."""
    first, *others = (
        dict(zip(found, map(len, found.values()), strict=True))
        for found in (job.get("replicates", {}) for job in jobs)
    )
    if all(one == first for one in others):
        return first
    return {name: min(one.get(name, 0) for one in (first, *others)) for name in first}


def _draw_noise(job: Row, name: str) -> float:
    """Variance over draws, where groups of them have been left out."""
    without = job.get("without", {}).get(name, ())
    return jackknife_variance(without) if len(without) > 1 else math.nan


def _known(row: Row, name: str) -> tuple[float, float, float, float]:
    """The least value a metric can take, which is its best where less is better; and its floor."""
    meaning = row.get("metrics", {}).get(name, {})
    bounded = meaning.get("lower_is_better") and meaning.get("best") is not None
    floor = row["floors"].get(name, {})
    mean, low, high = (floor.get(end, math.nan) for end in ("mean", "low", "high"))
    return meaning["best"] if bounded else -math.inf, mean, low, high


def _in_words(values: Sequence[float | None]) -> str:
    """The values seed by seed, with a dash where there is none."""
    if None not in values:
        return ("%.6g " * len(values) % tuple(values))[:-1]
    if all(value is None for value in values):
        return ""
    return " ".join("-" if value is None else f"{value:.6g}" for value in values)


def _provenance(jobs: Sequence[Row]) -> dict[str, Any]:
    row = jobs[0]
    made_by, machine = row["made_by"], row["made_by"]["machine"]
    return {
        "preset": row["settings"]["preset"],
        "epochs": row["epochs"],
        "draws": row["settings"]["draws"],
        "timing_batch": row["settings"]["batch"],
        "timing_threads": made_by["timing_threads"],
        "plugin": made_by["model"]["plugin"],
        "plugin_version": made_by["model"]["version"],
        "plugin_source": made_by["model"]["source"][:12],
        "sampler_plugin": made_by["sampler"]["plugin"],
        "sampler_version": made_by["sampler"]["version"],
        "data_sha256": made_by["data_sha256"][:12],
        "test_size": made_by.get("n_test", math.nan),
        "test_effective": made_by.get("n_test_effective", math.nan),
        "device": made_by["device"],
        "trained_on": made_by["trained_on"],
        **{name: machine[name] for name in ("cpu", "cores", "gpu", "torch", "zoo", "commit")},
        "measured": max(str(job["measured"]) for job in jobs),
        "rows": " ".join(job.get("key", "") for job in jobs),
    }


def _mean(jobs: Sequence[Row], name: str) -> float:
    values = [job[name] for job in jobs if job[name] is not None]
    return sum(values) / len(values) if values else math.nan


def _reason(jobs: Sequence[Row], failed: Sequence[Row]) -> str:
    if not failed:
        return _missing(jobs)
    which = f"{len(failed)} of {len(jobs)} seeds: " if len(jobs) > 1 else ""
    reason = failed[0]["reason"] or f"{HEADLINE} is {failed[0]['values'].get(HEADLINE)}"
    return which + str(reason)


def _missing(jobs: Sequence[Row]) -> str:
    """What a line that went well lacks all the same: metrics and times that failed."""
    faults = {name: reason for job in jobs for name, reason in job["faults"].items()}
    times = {f"{d} time": t["reason"] for j in jobs for d, t in j["times"].items() if "reason" in t}
    said = [f"no {name}: {reason}" for name, reason in (faults | times).items()]
    return " ".join("; ".join(said).split())
