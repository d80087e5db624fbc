"""Laws of the page of two runs: the verdicts of `zoo compare`, all of them, and only text."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.results import HOSTILE
from tests.test_leaderboard import row
from zoo.board.compare import compare
from zoo.board.compare_tables import summary
from zoo.board.leaderboard import leaderboard
from zoo.cli import main
from zoo.harness.store import Store
from zoo.report.changes import changes
from zoo.report.comparison import picture_of, render_comparison
from zoo.wording import printable

CHANGES = {"same": 1.0, "worse": 1.5, "better": 0.5, HOSTILE: 3.0}


def rows(factors: dict[str, float], **more: Any) -> list[dict[str, Any]]:
    """Rows of three seeds for each model, its distance a factor times 0.4."""
    return [
        row(model, seed, 0.4 * factor + 0.001 * seed, **more)
        for model, factor in factors.items()
        for seed in range(3)
    ]


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    """One line got worse, one better, one is the same, one is gone and one came."""
    base = rows(dict.fromkeys(CHANGES, 1.0) | {"gone": 1.0})
    head = rows(CHANGES | {"new": 1.0})
    return compare(leaderboard(base), leaderboard(head))


@pytest.fixture(scope="module")
def page(cells: pd.DataFrame) -> str:
    """Its page."""
    return render_comparison(cells, f"a{HOSTILE}", "b")


def table(page: str) -> list[list[str]]:
    """The texts of the cells, line by line."""
    lines = re.findall(r'<tr class="line.*?</tr>', page, re.S)
    return [[unescape(x) for x in re.findall(r"<td[^>]*>(.*?)</td>", one)] for one in lines]


def test_every_cell_is_there_with_its_verdict(cells: pd.DataFrame, page: str) -> None:
    """As many of each verdict as were found, the gravest first, each with its reason."""
    found = table(page)
    assert [one[0] for one in found].count("WORSE") == (cells["verdict"] == "WORSE").sum() == 2
    assert found[0][0] == "WORSE"
    assert {(one[0], one[1], one[2], one[-1]) for one in found} == {
        (
            str(cell["verdict"]),
            printable(f"{cell['model']} · {cell['sampler']}"),
            str(cell["measure"]),
            printable(str(cell["reason"])),
        )
        for _, cell in cells.iterrows()
    }
    assert summary(cells) in unescape(page)


def test_numbers_are_the_cells(cells: pd.DataFrame, page: str) -> None:
    """Base, head, change and margin to four digits."""
    worse = next(one for one in table(page) if one[1:3] == ["worse · direct", "rg_w1"])
    cell = cells[(cells["model"] == "worse") & (cells["measure"] == "rg_w1")].iloc[0]
    names = ("base", "head", "change")
    assert worse[3:6] == [f"{cell[name]:.4g}" for name in names]
    assert worse[7] == f"{cell['margin']:.4g}"
    assert [float(x) for x in worse[3:6]] == pytest.approx([0.401, 0.601, 0.2])


def test_the_figure_counts_in_margins(cells: pd.DataFrame) -> None:
    """A change of 0.2 where 0.015 would pass is 13 margins; what has no number is not in it."""
    found = changes(cells).set_index(["name", "measure"])
    assert found.loc[("worse · direct", "rg_w1"), "value"] == pytest.approx(0.2 / 0.015)
    assert found.loc[("same · direct", "rg_w1"), "value"] == 0
    assert found.loc[("same · direct", "cpu time"), "value"] == pytest.approx(1.0)
    assert not {"gone · direct", "new · direct"} & set(found.index.get_level_values(0))


def test_boards_are_told_apart() -> None:
    """The same model on two boards makes two lines of the figure; on one, the board is no news."""
    quick = {"preset": "quick", "seeds": 3, "draws": 2_000, "batch": 1_000}
    both = leaderboard(rows({"vae": 1.0}) + rows({"vae": 1.0}, settings=quick))
    assert set(changes(compare(both, both))["name"]) == {
        f"vae · direct · bead-spring · {preset} · cpu" for preset in ("quick", "standard")
    }
    one = leaderboard(rows({"vae": 1.0}))
    assert set(changes(compare(one, one))["name"]) == {"vae · direct"}


def test_nothing_to_show_is_a_page_without_a_figure() -> None:
    """Boards that share no line have a table of reasons only."""
    cells = compare(leaderboard(rows({"a": 1.0})), leaderboard(rows({"b": 1.0})))
    assert picture_of(cells) is None
    page = render_comparison(cells, "a", "b")
    assert "<img" not in page
    assert "the line is missing in HEAD" in page


def test_hostile_names_are_text(page: str) -> None:
    """Neither a run's nor a model's name becomes an element."""
    assert len(re.findall("<script", page)) == 1
    assert "<img src=//evil" not in page
    assert "\u202e" not in page


def test_the_command_takes_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`zoo report A B` writes the comparison; three are too many."""
    monkeypatch.chdir(tmp_path)
    for name, factor in (("a", 1.0), ("b", 1.5)):
        store = Store(Path(name)).open()
        for number, made in enumerate(rows({"vae": factor})):
            store.keep_row(f"k{number}", made | {"key": f"k{number}"})
    assert main(["report", "a", "b", "--out", "ab.html"]) == 0
    assert "1 worse, 3 the same of 4 compared" in Path("ab.html").read_text(encoding="utf-8")
    assert main(["report", "a", "b", "a"]) == 2
    assert main(["report", "a", "c"]) == 2
