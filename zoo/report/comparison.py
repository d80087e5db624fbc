"""The page of two runs, one held against the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from zoo.board.compare_tables import summary
from zoo.board.judgement import Verdict
from zoo.report.changes import changes, names_of, plot_changes
from zoo.report.figures import Picture
from zoo.report.markup import fill
from zoo.report.style import as_image
from zoo.report.table import Cell

HEADINGS = (
    *("verdict", "line", "measure", "base", "head", "change", "95% interval"),
    *("passes as the same", "reason"),
)
"""The columns of the table."""

NUMBERS = frozenset(HEADINGS[3:8])
"""Those that hold numbers."""


@dataclass(frozen=True)
class Compared:
    """One figure of one line, as the page shows it.

    Args:
        verdict: What the comparison comes to, in lower case.
        cells: Its cells, in the order of `HEADINGS`.
    """

    verdict: str
    cells: list[Cell]


def render_comparison(cells: pd.DataFrame, base: str, head: str) -> str:
    """The page of a comparison.

    Args:
        cells: From `zoo.board.compare.compare`.
        base: What BASE is called.
        head: What HEAD is called.

    Returns:
        HTML.
    """
    order = {verdict: place for place, verdict in enumerate(Verdict)}
    gravest = cells.sort_values("verdict", key=lambda found: found.map(order), kind="stable")
    picture = picture_of(cells)
    return fill(
        "comparison.html",
        title=f"{base} and {head}",
        base=base,
        head=head,
        summary=summary(cells),
        headings=HEADINGS,
        numbers=NUMBERS,
        lines=[_line(cell) for _, cell in gravest.assign(line=names_of(gravest)).iterrows()],
        picture=picture,
        source=as_image(picture.figure) if picture else "",
    )


def picture_of(cells: pd.DataFrame) -> Picture | None:
    """The figure of a comparison; `None` if it has no numbers to show.

    Args:
        cells: From `zoo.board.compare.compare`.
    """
    found = changes(cells)
    if found.empty:
        return None
    counts = found["verdict"].value_counts()
    said = ", ".join(f"{verdict} {counts[verdict]}" for verdict in Verdict if verdict in counts)
    return Picture(
        "changes",
        "What changed",
        "Each point is one figure of a line with its 95% interval. For a metric: how much further "
        "from the floor's band HEAD is than BASE, in units of what passes as the same; for a time: "
        "the ratio, each in units of its reference kernel. To the right of the shaded band is "
        "worse. Crosses are WORSE, diamonds BETTER, open circles UNSURE, dots the SAME.",
        f"Changes of {len(found)} figures, a panel for each measure. By verdict: {said}.",
        plot_changes(found),
    )


def _line(cell: pd.Series) -> Compared:
    verdict = str(cell["verdict"])
    ends = [cell["low"], cell["high"]]
    band = "" if any(map(math.isnan, ends)) else f"[{ends[0]:.3g}, {ends[1]:.3g}]"
    words = f"{verdict} (reference)" if cell["reference"] else verdict
    names = [Cell(str(cell[name])) for name in ("line", "measure")]
    numbers = [_number(cell[name]) for name in ("base", "head", "change")]
    interval = Cell(band, None if not band else float(ends[0]))
    found = [Cell(words), *names, *numbers, interval, _number(cell["margin"])]
    return Compared(verdict.lower(), [*found, Cell(str(cell["reason"]))])


def _number(value: float) -> Cell:
    return Cell("–") if math.isnan(value) else Cell(f"{value:.4g}", float(value))
