"""What a file says of a line, held against what the line should be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from zoo.board.cells import number
from zoo.board.judgement import Line

ENDS = ("", "_low", "_high", "_floor", "_floor_low", "_floor_high", "_ratio")
"""What follows a metric's name in the columns that hold numbers."""

WORDS = ("status", "part", "flags")
"""Columns of text that say something of quality."""


class Figure(NamedTuple):
    """One number of a line.

    Args:
        column: Where it stands, with the place among the seeds where there are several.
        metric: The metric it is about; empty for the rank.
        written: What the file says; NaN for an empty cell.
        expected: What it should be.
    """

    column: str
    metric: str
    written: float
    expected: float


def figures(line: Line, again: Line, metrics: Iterable[str]) -> Iterator[Figure]:
    """Every number of a line that says something of quality, with what it should be.

    Args:
        line: A line of a `leaderboard.csv`, as text.
        again: The same line made again.
        metrics: The metrics to look at.
    """
    yield Figure("rank", "", _written(line["rank"]), number(again["rank"]))
    for metric in metrics:
        for column in (f"{metric}{end}" for end in ENDS):
            if column in line:
                yield Figure(column, metric, _written(line[column]), number(again.get(column, "")))
        name = f"{metric}_seeds"
        pairs = zip_longest(line.get(name, "").split(), again.get(name, "").split(), fillvalue="")
        for place, (text, other) in enumerate(pairs if name in line else ()):
            yield Figure(f"{name}[{place}]", metric, _written(text), number(other))


def _written(text: str) -> float:
    """A cell's number; a cell that holds something else agrees with nothing."""
    if text in ("", "-"):
        return math.nan
    value = number(text)
    return value if math.isfinite(value) else math.inf
