"""One line of the board from the rows of its seeds: what it is, and its metrics."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from zoo.board.statistics import Scores, jackknife_variance
from zoo.board.times import timing
from zoo.specs import HEADLINE

Row = Mapping[str, Any]
_SHOWN = (HEADLINE, "bond_w1", "ree_w1")
"""Metrics that have a column on every board, whether or not anybody computed them."""


def group(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of the same line together: of the code that ran last, the newest of each seed."""
    lines: dict[Any, dict[Any, dict[int, Row]]] = {}
    last: dict[Any, Any] = {}
    for row in sorted(rows, key=lambda row: str(row["measured"])):
        made_by = row["made_by"]
        budget = [(k, v) for k, v in row["settings"].items() if k not in ("seeds", "timeout")]
        line = (
            *(row["model"], row["sampler"], row["dataset"]),
            *(made_by["data_sha256"], made_by["device"], *sorted(budget)),
        )
        maker = repr([made_by["model"], made_by["sampler"], made_by["code"]])
        lines.setdefault(line, {}).setdefault(maker, {})[row["seed"]] = row
        last[line] = maker
    found = [lines[line][maker] for line, maker in last.items()]
    return [[jobs[seed] for seed in sorted(jobs)] for jobs in found]


def describe(jobs: Sequence[Row]) -> dict[str, Any]:
    """Everything of a line but its metrics and its rank."""
    first = jobs[0]
    failed = [job for job in jobs if job["status"] != "ok"]
    return {
        "schema": first["schema"],
        "model": first["model"],
        "sampler": first["sampler"],
        "dataset": first["dataset"],
        "status": failed[0]["status"] if failed else "ok",
        "seeds": len(jobs) - len(failed),
        "trainings": len(jobs),
        "nfe": _mean(jobs, "nfe"),
        "parameters": first["parameters"],
        "train_seconds": _mean(jobs, "train_seconds"),
        "reason": _reason(jobs, failed),
        "part": "failed" if failed else "reference" if first["reference"] else "ranked",
        **timing(jobs),
        **_provenance(jobs),
    }


def metric_columns(lines: Sequence[Sequence[Row]]) -> pd.DataFrame:
    """For every metric its mean, interval, floor, ratio to the floor, and the seeds' values."""
    names = dict.fromkeys(_SHOWN)
    for jobs in lines:
        for job in jobs:
            names |= dict.fromkeys((*job["values"], *job["floors"]))
    columns: dict[str, Any] = {}
    for name in names:
        columns |= _metric(name, lines)
    return pd.DataFrame(columns)


def scores(lines: Sequence[Sequence[Row]], name: str) -> Scores:
    """The scores of complete lines that have the same seeds."""
    table = [[_scores_of(job, name) for job in jobs] for jobs in lines]
    columns = min((len(row) for line in table for row in line), default=1)
    cut = [[row[:columns] for row in line] for line in table]
    without = [jobs[0].get("without", {}).get(name, ()) for jobs in lines]
    noise = [jackknife_variance(values) if len(values) > 1 else math.nan for values in without]
    return Scores(np.array(cut, dtype=float), np.array(noise, dtype=float))


def _scores_of(job: Row, name: str) -> list[float]:
    return [job["values"][name], *job.get("replicates", {}).get(name, ())]


def _metric(name: str, lines: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """Columns of one metric; NaN for a line unless every job has a value."""
    value, low, high = (np.full(len(lines), math.nan) for _ in range(3))
    for alike in _alike(name, lines).values():
        found = scores([lines[index] for index in alike], name).estimate()
        value[alike] = found.mean
        low[alike], high[alike] = found.mean - found.half_width, found.mean + found.half_width
    low = np.maximum(low, [_least(name, jobs[0]) for jobs in lines])
    floors = [jobs[0]["floors"].get(name, {}) for jobs in lines]
    floor = np.array([one.get("mean", math.nan) for one in floors], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(floor != 0, value / floor, math.nan)
    return {
        name: value,
        f"{name}_low": low,
        f"{name}_high": high,
        f"{name}_floor": floor,
        f"{name}_floor_low": [one.get("low", math.nan) for one in floors],
        f"{name}_floor_high": [one.get("high", math.nan) for one in floors],
        f"{name}_ratio": ratio,
        f"{name}_seeds": [_in_words(name, jobs) for jobs in lines],
    }


def _alike(name: str, lines: Sequence[Sequence[Row]]) -> dict[tuple[int, ...], list[int]]:
    """Numbers of the complete lines, by how many test sets each seed was scored against."""
    found = defaultdict(list)
    for index, jobs in enumerate(lines):
        if all(job["status"] == "ok" and name in job["values"] for job in jobs):
            found[tuple(len(_scores_of(job, name)) for job in jobs)].append(index)
    return found


def _least(name: str, row: Row) -> float:
    """The least value a metric can take: its best, where less is better."""
    meaning = row.get("metrics", {}).get(name, {})
    bounded = meaning.get("lower_is_better") and meaning.get("best") is not None
    return float(meaning["best"]) if bounded else -math.inf


def _in_words(name: str, jobs: Sequence[Row]) -> str:
    """The values seed by seed, with a dash where there is none."""
    values = [job["values"].get(name) for job in jobs]
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
    return which + str(failed[0]["reason"])


def _missing(jobs: Sequence[Row]) -> str:
    """What a line that went well lacks all the same: metrics and times that failed."""
    faults = {name: reason for job in jobs for name, reason in job["faults"].items()}
    times = {f"{d} time": t["reason"] for j in jobs for d, t in j["times"].items() if "reason" in t}
    return "; ".join(f"no {name}: {reason}" for name, reason in (faults | times).items())
