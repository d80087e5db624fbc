"""Two leaderboards held against one another, cell by cell, for a gate that a build must pass."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.board.cells import number
from zoo.board.judgement import (
    METRICS,
    Judgement,
    Line,
    Verdict,
    judge_metric,
    judge_time,
)
from zoo.board.leaderboard import COLUMNS
from zoo.board.text import as_text
from zoo.errors import UsageError

NAMES = ("dataset", "preset", "model", "sampler", "device")
"""What makes a line of HEAD the one to hold against a line of BASE."""

CELLS = (*NAMES, "reference", "measure", *Judgement._fields)
"""The columns of a comparison."""

DEVICES = ("cpu", "cuda")

WORSE = 1
INCOMPARABLE = 5

MOST_BYTES = 100_000_000
"""Most bytes that are read of one leaderboard."""


def read_board(path: Path) -> pd.DataFrame:
    """Read a `leaderboard.csv`, every cell as the text it is.

    Args:
        path: The file.

    Raises:
        UsageError: If it cannot be read or is no leaderboard.
    """
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise UsageError(f"{str(path)!r} has {size:,} bytes; at most {MOST_BYTES:,} are read.")
        text = path.read_text(encoding="utf-8")
        header, *rest = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise UsageError(
            f"{str(path)!r} is no text of comma-separated values. Expected a leaderboard.csv."
        ) from None
    needed = (*COLUMNS, *NAMES, "data_sha256", "part")
    missing = [name for name in dict.fromkeys(needed) if name not in header]
    if missing:
        raise UsageError(
            f"{str(path)!r} is no leaderboard: it lacks the columns {', '.join(missing[:4])}"
            f"{', …' if len(missing) > 4 else ''}. "
            "Expected a leaderboard.csv as `zoo run` writes it."
        )
    lines = [line for line in rest if line]
    cells = len(header)
    ragged = [
        f"line {at} has {len(x)} cells" for at, x in enumerate(rest, 2) if len(x) not in (0, cells)
    ]
    if len(set(header)) != cells:
        ragged.append("a column's name stands twice")
    if ragged:
        what = f"{'; '.join(ragged[:5])}{'; …' if len(ragged) > 5 else ''}"
        raise UsageError(
            f"{str(path)!r} is no leaderboard: {what}, and its first line {cells}. "
            "Was it cut off, or edited by hand?"
        )
    return pd.DataFrame(lines, columns=header, dtype="str")


def metrics_in(*frames: pd.DataFrame) -> tuple[str, ...]:
    """Names of all metrics that leaderboards have columns of, in their order.

    Example:
        >>> metrics_in(pd.DataFrame(columns=["rg_w1", "rg_w1_floor", "cpu"]))
        ('rg_w1',)
    """
    columns = dict.fromkeys(str(name) for frame in frames for name in frame.columns)
    return tuple(name for name in columns if f"{name}_floor" in columns)


def compare(
    base: pd.DataFrame, head: pd.DataFrame, metrics: Sequence[str] = METRICS
) -> pd.DataFrame:
    """Hold two leaderboards against one another.

    Args:
        base: What is taken as given: from `read_board` or `zoo.leaderboard`.
        head: What is to be judged.
        metrics: Metrics to compare; times per sample are compared always.

    Returns:
        One line per cell, with the columns `CELLS`: a metric, or `cpu time` or `cuda time`, of
        a line of BASE. What can be said of a line only as a whole has the measure `line`.

    Example:
        >>> empty = pd.DataFrame(columns=list(COLUMNS))
        >>> compare(empty, empty).empty
        True
    """
    old, new = _by_name(base), _by_name(head)
    cells = []
    for name in {**old, **new}:
        line = old.get(name, new.get(name, []))[0]
        reference = line.get("part") == "reference"
        for measure, found in _judge(old.get(name, []), new.get(name, []), new, metrics):
            cells.append((*name, reference, measure, *found))
    return pd.DataFrame(cells, columns=list(CELLS))


def exit_status(cells: pd.DataFrame) -> int:
    """What a gate ends with.

    Args:
        cells: From `compare`.

    Returns:
        1 if a line that is no reference got worse; otherwise 5 if anything could not be
        compared, or no metric was; otherwise 0, also where something is unsure.

    Example:
        >>> exit_status(pd.DataFrame(columns=list(CELLS)))
        5
    """
    worse = (cells["verdict"] == Verdict.WORSE) & ~cells["reference"].astype(bool)
    if worse.any():
        return WORSE
    times = cells["measure"].isin([f"{device} time" for device in DEVICES])
    nothing = (times | (cells["verdict"] == Verdict.NEW)).all()  # also where there is no cell
    return INCOMPARABLE if nothing or (cells["verdict"] == Verdict.INCOMPARABLE).any() else 0


def _by_name(frame: pd.DataFrame) -> dict[tuple[str, ...], list[Line]]:
    """Lines by what they are called, with every cell as the text that a CSV has."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in as_text(frame):
        found.setdefault(tuple(line.get(name, "") for name in NAMES), []).append(line)
    return found


def _judge(
    old: list[Line], new: list[Line], head: dict[tuple[str, ...], Any], metrics: Sequence[str]
) -> Iterator[tuple[str, Judgement]]:
    if not old:
        good = len(new) == 1 and new[0]["status"] == "ok"
        verdict = Verdict.NEW if good else Verdict.INCOMPARABLE
        what = "" if good else ", and it failed or stands twice"
        yield "line", Judgement(verdict, f"the line is not in BASE{what}")
    elif len(old) == len(new) == 1 and old[0]["status"] != "ok" == new[0]["status"]:
        yield "line", Judgement(Verdict.BETTER, f"it was {old[0]['status'] or 'missing'} in BASE")
    elif fault := _missing(old, new, head) or _difference(old[0], new[0]):
        yield "line", Judgement(Verdict.INCOMPARABLE, fault)
    else:
        for metric in metrics:
            if found := judge_metric(old[0], new[0], metric):
                yield metric, found
        for device in DEVICES:
            if found := judge_time(old[0], new[0], device):
                yield f"{device} time", found


def _missing(old: list[Line], new: list[Line], head: dict[tuple[str, ...], Any]) -> str:
    if not new:
        entry = (old[0]["model"], old[0]["sampler"])
        elsewhere = any(name[2:4] == entry for name in head)
        but = "; it has one with another dataset, preset or device" if elsewhere else ""
        return f"the line is missing in HEAD{but}"
    twice = "BASE" if len(old) > 1 else "HEAD" if len(new) > 1 else ""
    return f"the line stands twice in {twice}" if twice else ""


def _difference(base: Line, head: Line) -> str:
    """What two lines must share and do not, or why one of them is not whole."""
    for name, line in (("BASE", base), ("HEAD", head)):
        if line["status"] != "ok":
            return f"its status in {name} is {line['status'] or 'missing'}"
        if not line.get("data_sha256") or not number(line["seeds"]) >= 1:
            return f"data_sha256 or seeds is missing in {name}"
    for column in ("schema", "data_sha256", "seeds", "draws", "epochs"):
        old, new = base.get(column, ""), head.get(column, "")
        exact = column == "data_sha256"
        if old != new and (exact or number(old) != number(new)):
            return f"{column} is {old or 'missing'} in BASE and {new or 'missing'} in HEAD"
    return ""
