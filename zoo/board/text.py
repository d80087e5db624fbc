"""Lines of a leaderboard as the text that a CSV has."""

from __future__ import annotations

import csv
import io
import math

import pandas as pd

from zoo.board.cells import number
from zoo.board.leaderboard import to_csv


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
