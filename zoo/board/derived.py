"""The figures of a line that follow from its rows, to be held against what a file says."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import pandas as pd

from zoo.board.judgement import Line, number
from zoo.board.leaderboard import leaderboard, to_csv

Row = Mapping[str, Any]

ENDS = ("", "_low", "_high", "_floor", "_floor_low", "_floor_high", "_ratio")
"""What follows a metric's name in the columns that hold numbers."""


class Figure(NamedTuple):
    """One number of a line.

    Args:
        column: Where it stands, with the place among the seeds where there are several.
        metric: The metric it is about.
        written: What the file says; NaN for an empty cell.
        expected: What it follows to be.
    """

    column: str
    metric: str
    written: float
    expected: float


def figures(
    line: Line, rows: Sequence[Row], metrics: Iterable[str], values: Mapping[str, Sequence[float]]
) -> Iterator[Figure]:
    """Every quality figure of a line with what it should be.

    Means and values of seeds follow from `values`; intervals, floors and ratios from the rows,
    and so does what `values` lacks.

    Args:
        line: A line of a `leaderboard.csv`, as text.
        rows: The rows it was made of, one per seed, in order.
        metrics: The metrics to look at.
        values: Each metric's values, seed by seed, where every seed has one.
    """
    again = as_text(leaderboard(rows))[0]
    for metric in metrics:
        found = values.get(metric)
        for column in (f"{metric}{end}" for end in ENDS):
            expected = number(again.get(column, ""))
            if column == metric and found:
                expected = sum(found) / len(found) if line["status"] == "ok" else math.nan
            if column in line:
                yield Figure(column, metric, _written(line[column]), expected)
        kept = [number(text) for text in again.get(f"{metric}_seeds", "").split()]
        texts = line.get(f"{metric}_seeds", "").split()
        pairs = zip_longest(texts, found or kept if f"{metric}_seeds" in line else ())
        for place, (text, expected) in enumerate(pairs):
            value = math.nan if expected is None else expected
            yield Figure(f"{metric}_seeds[{place}]", metric, _written(text or ""), value)


def _written(text: str) -> float:
    """A cell's number; a cell that holds something else agrees with nothing."""
    return (
        math.nan
        if text in ("", "-")
        else value
        if math.isfinite(value := number(text))
        else math.inf
    )


def as_text(frame: pd.DataFrame) -> list[dict[str, str]]:
    """The lines of a leaderboard, every cell as the text that a CSV has.

    Example:
        >>> as_text(pd.DataFrame({"model": ["nan"], "rg_w1": [0.123456789]}))
        [{'model': 'nan', 'rg_w1': '0.123457'}]
    """
    return list(csv.DictReader(io.StringIO(to_csv(frame), newline="")))


def number_text(text: str) -> str:
    """A cell's number to four digits; empty where it is none."""
    return "" if math.isnan(number(text)) else f"{number(text):.4g}"


def printable(text: str) -> str:
    """One line without anything that moves a cursor or turns the direction of writing."""
    return "".join(c if c.isprintable() else "�" for c in text)
