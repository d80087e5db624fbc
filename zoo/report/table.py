"""The leaderboard of a page: columns, cells, and what the words in its notes mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from zoo.report.records import Board, Entry
from zoo.specs import HEADLINE


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Args:
        name: The column of `leaderboard.csv` it shows.
        heading: What stands above it.
        digits: Decimals; `None` for text, -1 for times, which have three digits.
    """

    name: str
    heading: str
    digits: int | None = None


COLUMNS = (
    Column("rank", "#", 0),
    Column("model", "model"),
    Column("sampler", "sampler"),
    Column(HEADLINE, "Rg W1 [std]", 3),
    Column("interval", "95% interval", 3),
    Column(f"{HEADLINE}_ratio", "× floor", 1),
    Column("bond_w1", "bond W1 [σ]", 4),
    Column("ree_w1", "Ree W1 [std]", 3),
    Column("nfe", "calls", 0),
    Column("cpu_us_per_sample", "CPU [µs/sample]", -1),
    Column("cuda_us_per_sample", "CUDA [µs/sample]", -1),
    Column("train_seconds", "training [s]", 1),
    Column("notes", "notes"),
)

WORDS = {
    "indistinguishable": "in Rg alone, its interval meets the floor's 95% band",
    "below-floor": "better than independent truth can be: it has seen the test set, or does not "
    "draw at random",
    "copies": "its conformations are nearer to training conformations than truth is",
    "unnormalised": "its density beats the truth's, so it is not normalised",
    "unstable": "the interval of its time is wider than ±10%",
    "busy": "others were at work on the machine while it was timed",
    "uneven": "the machine changed its speed while it was timed",
    "apart": "not timed in turn with the rest of the board",
    "stated": "its time is what somebody said",
}
"""What the words in the notes mean."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text: What it says.
        value: What it is sorted by where that is a number; `None` where there is none.
    """

    text: str
    value: float | None = None


def columns(board: Board) -> list[Column]:
    """The columns of a board's table: all but the times on a device that nothing was timed on.

    Args:
        board: The board.
    """

    def used(name: str) -> bool:
        return any(not _missing(entry.line.get(name)) for entry in board.entries)

    return [c for c in COLUMNS if not c.name.endswith("_us_per_sample") or used(c.name)]


def cells(entry: Entry, found: Sequence[Column], *, tied: bool) -> list[Cell]:
    """The cells of a line.

    Args:
        entry: The line.
        found: The columns.
        tied: Whether another line has its rank.
    """
    return [_cell(entry, column, tied) for column in found]


def _cell(entry: Entry, column: Column, tied: bool) -> Cell:
    line = entry.line
    if column.name == "notes":
        return Cell(notes(entry))
    if column.name == "interval":
        low = line[f"{HEADLINE}_low"]
        return Cell(interval(line, HEADLINE, 3), None if _missing(low) else float(low))
    if column.digits is None:
        return Cell(str(line[column.name]))
    value: Any = line.get(column.name)
    if _missing(value):
        return Cell("" if column.name == "rank" else "–")
    text = number(float(value), column.digits)
    return Cell(f"{text} =" if column.name == "rank" and tied else text, float(value))


def _missing(value: Any) -> bool:  # noqa: ANN401 - whatever a cell of a data frame holds
    return value is None or bool(pd.isna(value))


def number(value: float, digits: int) -> str:
    """A number as the board writes it.

    Args:
        value: The number; NaN for none.
        digits: Decimals; -1 for three digits.

    Example:
        >>> number(0.0456, 3), number(1357.2, -1), number(13.66, -1), number(math.nan, 1)
        ('0.046', '1,357', '13.7', '–')
    """
    if math.isnan(value):
        return "–"
    if digits >= 0:
        return f"{value:,.{digits}f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def interval(line: Mapping[str, Any], name: str, digits: int) -> str:
    """The interval or band of a column, or a dash.

    Args:
        line: The line.
        name: The column whose `_low` and `_high` are meant.
        digits: Decimals.
    """
    ends = [line.get(f"{name}_{end}", math.nan) for end in ("low", "high")]
    if any(_missing(end) for end in ends):
        return "–"
    return f"[{number(ends[0], digits)}, {number(ends[1], digits)}]"


def floor(board: Board, found: Sequence[Column]) -> list[Cell]:
    """The cells of the line at the head: what a perfect model would get.

    Args:
        board: The board.
        found: The columns.
    """
    known = [e.line for e in board.entries if not _missing(e.line[f"{HEADLINE}_floor"])]
    line = known[0] if known else board.line
    texts = {
        "model": "floor",
        "sampler": "truth against truth",
        "interval": interval(line, f"{HEADLINE}_floor", 3),
        f"{HEADLINE}_ratio": "1.0",
    }
    for column in found:
        if f"{column.name}_floor" in line:
            value = line[f"{column.name}_floor"]
            texts[column.name] = number(math.nan if _missing(value) else value, column.digits or 0)
    return [Cell(texts.get(column.name, "")) for column in found]


def notes(entry: Entry) -> str:
    """What strikes in a line, and why it failed if it did."""
    line = entry.line
    if entry.part == "failed":
        return f"{line['status']}: {line['reason']}"
    return " ".join(filter(None, [*_marks(entry), str(line["reason"])]))


def _marks(entry: Entry) -> list[str]:
    """Flags, and what makes a time doubtful, a word each."""
    line = entry.line
    clocks = {word for device in ("cpu", "cuda") for word in line[f"{device}_clock"].split()}
    return [*str(line["flags"]).split(), *sorted(clocks)]


def glossary(board: Board) -> Iterator[tuple[str, str]]:
    """The words that the notes of a board use, with their meaning."""
    used = {word for entry in board.entries if entry.part != "failed" for word in _marks(entry)}
    yield from ((word, meaning) for word, meaning in WORDS.items() if word in used)


def ties(board: Board) -> dict[int, bool]:
    """Ranks, and whether several lines share them."""
    ranks = [int(e.line["rank"]) for e in board.entries if not _missing(e.line["rank"])]
    return {rank: ranks.count(rank) > 1 for rank in ranks}
