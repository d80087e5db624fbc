"""Tables as CSV in which no cell is anything but a number or a text."""

from __future__ import annotations

import math

import pandas as pd

from zoo.wording import printable


def to_cells(frame: pd.DataFrame) -> str:
    """A table as CSV; numbers to six significant digits, text that no spreadsheet carries out.

    Args:
        frame: The table.
    """
    safe = frame.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            words = {one: inert(one) for one in safe[name].unique() if isinstance(one, str)}
            if any(old != new for old, new in words.items()):
                safe[name] = safe[name].map(lambda one, words=words: words.get(one, one))
    return safe.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def inert(text: str) -> str:
    r"""A text that is no formula to a spreadsheet and moves no cursor; numbers stay as they are.

    What would be a formula gets an apostrophe before it, as spreadsheets mark text.

    Example:
        >>> inert("=1+1"), inert("-0.5 - 1e-3"), inert("@now"), inert("a = b\x1b")
        ("'=1+1", '-0.5 - 1e-3', "'@now", 'a = b�')
    """
    text = printable(text)
    if text.lstrip()[:1] in ("=", "+", "-", "@") and not all(map(_is_number, text.split())):
        return f"'{text}"
    return text


def number(text: str) -> float:
    """A CSV's cell as a number; NaN where it is none.

    Example:
        >>> number("0.25"), number(""), number("1_0"), number("high")
        (0.25, nan, nan, nan)
    """
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _is_number(word: str) -> bool:
    return word == "-" or not math.isnan(number(word))  # a dash stands where a seed has none
