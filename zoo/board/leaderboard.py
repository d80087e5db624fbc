"""The leaderboard: one line per model and sampler, from one row per job.

A line whose jobs did not all end well has no rank and no mean: what survived of it would be
a biased choice. Its status and reason say what happened.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.board.statistics import Interval, mean_interval
from zoo.board.times import timing
from zoo.specs import HEADLINE

COLUMNS = (
    *("schema", "rank", "model", "sampler", "dataset", "status", "seeds", "nfe", "parameters"),
    *("rg_w1", "rg_w1_low", "rg_w1_high", "rg_w1_floor", "rg_w1_ratio", "bond_w1", "ree_w1"),
    *("cpu_us_per_sample", "cuda_us_per_sample", "train_seconds", "reason"),
)
"""The first columns of `leaderboard.csv`, in their order; others follow."""

BOARD = ("dataset", "data_sha256", "preset", "device")
"""What lines must share to be ranked against one another."""

COPIES = 0.5
"""A line whose conformations lie closer to training ones than this ratio is flagged `copies`."""

Row = Mapping[str, Any]


def leaderboard(rows: Iterable[Row]) -> pd.DataFrame:
    """Gather rows into lines, best first.

    Args:
        rows: Rows as the store keeps them. Of several for the same line and seed the newest
            counts. Rows with other data or another budget make lines of their own.

    Returns:
        One line per model, sampler, dataset and budget. On each board first the ranked by
        their headline value, then reference lines, then those that failed. Columns as in
        `COLUMNS`, then the other metrics, floors, times and provenance.
    """
    lines = [_line(jobs) for jobs in _group(rows)]
    if not lines:
        return pd.DataFrame(columns=list(COLUMNS))
    frame = pd.DataFrame(lines)
    frame["part"] = pd.Categorical(frame["part"], ["ranked", "reference", "failed"])
    frame = frame.sort_values([*BOARD, "part", HEADLINE, "model", "sampler"], ignore_index=True)
    ranked = frame["part"] == "ranked"
    position = ranked.groupby([frame[name] for name in BOARD]).cumsum()
    frame["rank"] = position.where(ranked).astype("Int64")
    frame["part"] = frame["part"].astype("str")
    rest = [name for name in frame.columns if name not in COLUMNS]
    return frame[[*COLUMNS, *rest]]


def _group(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of the same line together: of the code that ran last, the newest of each seed."""
    lines: dict[str, dict[str, dict[int, Row]]] = {}
    last: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: str(row["measured"])):
        made_by = row["made_by"]
        budget = {k: v for k, v in row["settings"].items() if k not in ("seeds", "timeout")}
        data = [row["dataset"], made_by["data_sha256"], made_by["device"], budget]
        line = json.dumps([row["model"], row["sampler"], *data], sort_keys=True)
        code = [made_by["model"], made_by["sampler"], made_by["code"]]
        maker = json.dumps(code, sort_keys=True)
        lines.setdefault(line, {}).setdefault(maker, {})[row["seed"]] = row
        last[line] = maker
    found = [lines[line][maker] for line, maker in last.items()]
    return [[jobs[seed] for seed in sorted(jobs)] for jobs in found]


def _line(jobs: list[Row]) -> dict[str, Any]:
    first = jobs[0]
    failed = [job for job in jobs if job["status"] != "ok"]
    names = {name: None for job in jobs for name in (*job["values"], *job["floors"])}
    metrics: dict[str, Any] = {}
    for name in dict.fromkeys([HEADLINE, "bond_w1", "ree_w1", *names]):
        metrics |= _metric(name, jobs, failed=bool(failed))
    line = metrics | {  # a metric cannot take the name of a column
        "schema": first["schema"],
        "model": first["model"],
        "sampler": first["sampler"],
        "dataset": first["dataset"],
        "status": failed[0]["status"] if failed else "ok",
        "seeds": len(jobs) - len(failed),
        "nfe": _mean(jobs, "nfe"),
        "parameters": first["parameters"],
        "train_seconds": _mean(jobs, "train_seconds"),
        "reason": _reason(jobs, failed),
        "part": "failed" if failed else "reference" if first["reference"] else "ranked",
    }
    line["flags"] = _flags(line)
    return line | timing(jobs) | _provenance(first, max(str(job["measured"]) for job in jobs))


def _metric(name: str, jobs: list[Row], *, failed: bool) -> dict[str, float]:
    """Mean, interval, floor and ratio of one metric; NaN unless every job has a value."""
    values = [job["values"][name] for job in jobs if name in job["values"]]
    complete = len(values) == len(jobs) and not failed
    found = mean_interval(values) if complete else Interval(math.nan, math.nan, math.nan)
    floor: Mapping[str, float] = jobs[0]["floors"].get(name, {})
    mean = floor.get("mean", math.nan)
    return {
        name: found.value,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
        f"{name}_floor": mean,
        f"{name}_floor_low": floor.get("low", math.nan),
        f"{name}_floor_high": floor.get("high", math.nan),
        f"{name}_ratio": found.value / mean if mean else math.nan,
    }


def _flags(line: Mapping[str, Any]) -> str:
    """What strikes: an interval that meets the floor's band, copies of training data."""
    flags = []
    low = line[f"{HEADLINE}_low"]
    lowest = line[HEADLINE] if math.isnan(low) else low
    if lowest <= line[f"{HEADLINE}_floor_high"]:
        flags.append("indistinguishable")
    if line.get("memorization", math.nan) < COPIES:
        flags.append("copies")
    return " ".join(flags)


def _provenance(row: Row, measured: str) -> dict[str, Any]:
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
        "device": made_by["device"],
        "trained_on": made_by["trained_on"],
        **{name: machine[name] for name in ("cpu", "cores", "gpu", "torch", "zoo", "commit")},
        "measured": measured,
    }


def _mean(jobs: list[Row], name: str) -> float:
    values = [job[name] for job in jobs if job[name] is not None]
    return sum(values) / len(values) if values else math.nan


def _reason(jobs: list[Row], failed: list[Row]) -> str:
    if not failed:
        return _missing(jobs)
    which = f"{len(failed)} of {len(jobs)} seeds: " if len(jobs) > 1 else ""
    return which + str(failed[0]["reason"])


def _missing(jobs: list[Row]) -> str:
    """What a line that went well lacks all the same: metrics and times that failed."""
    faults = {name: reason for job in jobs for name, reason in job["faults"].items()}
    times = {f"{d} time": t["reason"] for j in jobs for d, t in j["times"].items() if "reason" in t}
    return "; ".join(f"no {name}: {reason}" for name, reason in (faults | times).items())


def to_csv(frame: pd.DataFrame) -> str:
    """The leaderboard as CSV; numbers to six significant digits."""
    text = io.StringIO()
    frame.to_csv(text, index=False, float_format="%.6g", lineterminator="\n")
    return text.getvalue()


def read_csv(path: Path) -> pd.DataFrame:
    """Read a `leaderboard.csv`; a model may be called `nan` or `null` and stay one."""
    text = ["model", "sampler", "dataset", "status", "reason", "flags", "part", "commit", "gpu"]
    return pd.read_csv(
        path,
        keep_default_na=False,
        na_values=[""],
        dtype=dict.fromkeys(text, "str") | {"rank": "Int64"},
    ).fillna(dict.fromkeys(text, ""))
