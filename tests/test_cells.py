"""Laws of what goes out as CSV: text stays text, numbers stay numbers, nothing is carried out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_leaderboard import row
from zoo.board.cells import inert, to_cells
from zoo.board.leaderboard import leaderboard, read_csv, to_csv
from zoo.errors import UsageError
from zoo.registry.factories import file_model

HOSTILE = ("=HYPERLINK(0)", "+1+cmd", "-2+3", "@SUM(A1)", " =1", "\t=1", "\r=1", "\x1b[31mred")


@given(st.text(max_size=40))
def test_no_text_is_a_formula_or_moves_a_cursor(text: str) -> None:
    """Whatever a cell holds, a spreadsheet sees a text or numbers, and a terminal letters."""
    found = inert(text)
    assert found.isprintable()
    if found.lstrip()[:1] in ("=", "+", "-", "@") and found.strip():
        assert all(word == "-" or float(word) is not None for word in found.split())
    assert inert(found) == found


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_cells_come_back_as_what_they_were(lines: list[tuple[str, float]]) -> None:
    """Quotes, commas and line ends in a text break no line, and numbers keep six digits."""
    frame = pd.DataFrame(lines, columns=["text", "number"])
    back = list(csv.DictReader(io.StringIO(to_cells(frame), newline="")))
    assert [one["text"] for one in back] == [inert(text) for text, _ in lines]
    assert [float(one["number"]) for one in back] == [float(f"{x:.6g}") for _, x in lines]


@given(
    st.lists(st.floats() | st.sampled_from([0.1, 1e-5, 1e16, -0.0]), min_size=2, max_size=2),
    st.lists(st.none() | st.integers(-9, 10**12), min_size=2, max_size=2),
    st.lists(st.text(st.characters(categories=["L", "N", "Z", "P"])), min_size=2, max_size=2),
    st.lists(st.booleans() | st.none() | st.floats() | st.text("ab"), min_size=2, max_size=2),
)
def test_a_table_is_written_as_pandas_writes_it(
    numbers: list[float], ranks: list[int | None], texts: list[str], things: list[object]
) -> None:
    """But for what is made inert: the same cells, quotes and gaps, only sooner."""
    frame = pd.DataFrame({"a,b": numbers, "rank": pd.array(ranks, "Int64"), "text": texts})
    frame["thing"] = pd.Series([str(x) if isinstance(x, str) else x for x in things], dtype=object)
    safe = frame.assign(text=[inert(text) for text in texts])
    expected = safe.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    assert to_cells(frame) == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_a_reason_reaches_no_cell_as_a_formula(tmp_path: Path, text: str) -> None:
    """What a plugin says of its failure is quoted, and is the same text after every reading."""
    once = to_csv(leaderboard([row("a", 0, None, reason=text), row("b", 0, 0.1)]))
    (tmp_path / "board.csv").write_text(once, encoding="utf-8")
    (cell,) = (one["reason"] for one in csv.DictReader(io.StringIO(once)) if one["model"] == "a")
    assert cell[0] not in "=+-@"
    assert cell.isprintable()
    assert to_csv(read_csv(tmp_path / "board.csv")) == once


def test_values_of_seeds_are_no_formulas() -> None:
    """Negative numbers, and the dash of a seed without one, stay as they are."""
    assert inert("-1.5 - -2e-05 inf") == "-1.5 - -2e-05 inf"


@pytest.mark.parametrize("name", ["=1.py:A", "@x.py:A", "-x.py:A", "\x1b.py:A", "\u202ex.py:A"])
def test_a_model_cannot_be_called_by_a_formula(name: str) -> None:
    """The path of a file is what its line is called; it is refused, and not rewritten."""
    with pytest.raises(UsageError, match=r"Write \./ before it"):
        file_model(name)
