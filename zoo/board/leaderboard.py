"""The leaderboard: one line per model and sampler, from one row per job.

A line whose jobs did not all end well has no rank and no mean: what survived of it would be
a biased choice. Its status and reason say what happened.
"""

from __future__ import annotations

import csv
import gc
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.board.cells import to_cells
from zoo.board.lines import describe, group, metric_columns, scores
from zoo.board.statistics import ranks
from zoo.specs import HEADLINE

COLUMNS = (
    *("schema", "rank", "model", "sampler", "dataset", "status", "seeds", "nfe", "parameters"),
    *("rg_w1", "rg_w1_low", "rg_w1_high", "rg_w1_floor", "rg_w1_ratio", "bond_w1", "ree_w1"),
    *("cpu_us_per_sample", "cuda_us_per_sample", "train_seconds", "reason"),
)
"""The first columns of `leaderboard.csv`, in their order; others follow."""

BOARD = ("schema", "dataset", "data_sha256", "preset", "device", "trainings")
"""What lines must share to be ranked against one another."""

COPIES = 0.5
"""A line whose conformations lie closer to training ones than this ratio is flagged `copies`."""

COLLAPSE = 0.5
"""A line whose conformations differ from one another by less than this share is flagged."""

Row = Mapping[str, Any]


def leaderboard(rows: Iterable[Row]) -> pd.DataFrame:
    """Gather rows into lines, best first.

    Args:
        rows: Rows as the store keeps them. Of several for the same line and seed the newest
            counts. Rows with other data or another budget make lines of their own.

    Returns:
        One line per model, sampler, dataset and budget. On each board first the ranked by
        rank and headline value, then reference lines, then those that failed. Columns as in
        `COLUMNS`, then the other metrics, floors, times and provenance.
    """
    with _all_in_use():
        return _leaderboard(group(rows))


@contextmanager
def _all_in_use() -> Iterator[None]:
    """Look for no garbage: none of many rows is any, and looking through them takes long."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _leaderboard(lines: Sequence[Sequence[Row]]) -> pd.DataFrame:
    if not lines:
        return pd.DataFrame(columns=list(COLUMNS))
    facts = pd.DataFrame([describe(jobs) for jobs in lines])
    metrics = metric_columns(lines)  # a metric cannot take the name of a column
    frame = pd.concat([metrics.drop(columns=facts.columns, errors="ignore"), facts], axis=1)
    frame["rank"] = _ranks(lines, frame)
    frame["flags"] = _flags(frame)
    for device in ("cpu", "cuda"):
        frame[f"{device}_clock"] = _clocks(frame, device)
    frame["part"] = pd.Categorical(frame["part"], ["ranked", "reference", "failed"])
    order = [*BOARD, "part", "rank", HEADLINE, "model", "sampler"]
    frame = frame.sort_values(order, ignore_index=True)
    frame["part"] = frame["part"].astype("str")
    rest = [name for name in frame.columns if name not in COLUMNS]
    return frame[[*COLUMNS, *rest]]


def _ranks(lines: Sequence[Sequence[Row]], frame: pd.DataFrame) -> pd.Series[int]:
    """Ranks of the ranked lines, board by board; none for the others."""
    found = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    ranked = frame[frame["part"] == "ranked"]
    for _, board in ranked.groupby(list(BOARD)):
        found[board.index] = ranks(scores([lines[index] for index in board.index], [HEADLINE]))
    return found


def _flags(frame: pd.DataFrame) -> pd.Series[str]:
    """What strikes: the interval beside the floor's band, copies, too little variety, densities."""
    none = pd.Series(math.nan, frame.index)
    lowest = frame[f"{HEADLINE}_low"].fillna(frame[HEADLINE])
    highest = frame[f"{HEADLINE}_high"].fillna(frame[HEADLINE])
    below = highest < frame[f"{HEADLINE}_floor_low"]
    found = {
        "indistinguishable": (lowest <= frame[f"{HEADLINE}_floor_high"]) & ~below,
        "below-floor": below,
        "copies": frame.get("memorization", none) < COPIES,
        "collapse": frame.get("diversity_high", none)
        < COLLAPSE * frame.get("diversity_floor", none),
        "unnormalised": frame.get("kl_high", none) < 0,
    }
    words = frame["flags"]
    for word, holds in found.items():
        words = words.where(~holds, words + " " + word)
    return words.str.strip()


def _clocks(frame: pd.DataFrame, device: str) -> pd.Series[str]:
    """Doubts about times; `apart` where a line was not timed in turn with its board's last ones."""
    words, turn, timed = (frame[f"{device}_{name}"] for name in ("clock", "alongside", "timed"))
    boards = [frame[name] for name in BOARD]
    timed = timed.where(turn != "", "")  # what was timed elsewhere had no turn
    last = turn[timed.groupby(boards).transform(lambda own: own.sort_values().index[-1])]
    apart = (turn != "") & (turn != last.to_numpy())
    return words.where(~apart, words + " apart").str.strip()


_TEXT = (
    *("model", "sampler", "dataset", "status", "reason", "flags", "part", "data_sha256", "commit"),
    *("gpu", "rows", "plugin_source", "preset", "plugin_version", "sampler_version", "zoo"),
    *("plugin", "sampler_plugin", "device", "trained_on", "cpu", "torch", "measured"),
)
_TEXT_ENDS = ("_seeds", "_clock", "_timed", "_alongside")


def to_csv(frame: pd.DataFrame) -> str:
    """The leaderboard as CSV; numbers to six significant digits."""
    return to_cells(frame)


def read_csv(path: Path) -> pd.DataFrame:
    """Read a `leaderboard.csv`; a model may be called `nan` or `null` and stay one."""
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file), [])
    text = [name for name in names if name in _TEXT or name.endswith(_TEXT_ENDS)]
    return pd.read_csv(
        path,
        keep_default_na=False,
        na_values=[""],
        dtype=dict.fromkeys(text, "str") | {"rank": "Int64"},
    ).fillna(dict.fromkeys(text, ""))
