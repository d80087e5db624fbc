"""The page of a results folder: leaderboards, figures, and a card for every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.report import FIGURE_NAMES
from zoo.report.cards import METRIC_HEADINGS, Card, make_card
from zoo.report.figures import Picture, draw
from zoo.report.markup import fill
from zoo.report.records import Board, Entry
from zoo.report.style import as_image
from zoo.report.table import Cell, Column, cells, columns, floor, glossary, ties
from zoo.wording import counted


@dataclass(frozen=True)
class Line:
    """A line as the page shows it.

    Args:
        anchor: What links to its card point at.
        name: Model and sampler.
        part: `ranked`, `reference` or `failed`.
        odd: Whether its group of one rank is the first, the third and so on.
        cells: Its cells.
        card: Its card.
    """

    anchor: str
    name: str
    part: str
    odd: bool
    cells: list[Cell]
    card: Card


@dataclass(frozen=True)
class Image:
    """A figure as the page shows it: the words of a `Picture`, and its address."""

    picture: Picture
    source: str


def render(boards: Sequence[Board], out: str, more: Sequence[Picture] = ()) -> str:
    """The page of some boards.

    Args:
        boards: From `zoo.report.records.read_boards`; at least one.
        out: The results folder, as commands on the page name it.
        more: Further figures.

    Returns:
        HTML.
    """
    return fill(
        "page.html",
        title=boards[0].title,
        metric_headings=METRIC_HEADINGS,
        more=[Image(picture, as_image(picture.figure)) for picture in more],
        boards=[_board(board, number, out) for number, board in enumerate(boards, start=1)],
    )


def _board(board: Board, number: int, out: str) -> dict[str, object]:
    shown = columns(board)
    pictures = [picture for name in FIGURE_NAMES if (picture := draw(board, name))]
    return {
        "number": number,
        "title": board.title,
        "summary": list(_summary(board)),
        "columns": shown,
        "floor": floor(board, shown),
        "lines": _lines(board, shown, number, out),
        "glossary": list(glossary(board)),
        "images": [Image(picture, as_image(picture.figure)) for picture in pictures],
    }


def _lines(board: Board, shown: Sequence[Column], number: int, out: str) -> list[Line]:
    shared = ties(board)
    groups = list(shared)
    found = []
    for place, entry in enumerate(board.entries, start=1):
        rank = _rank(entry)
        found.append(
            Line(
                anchor=f"line-{number}-{place}",
                name=entry.name,
                part=entry.part,
                odd=rank in groups and groups.index(rank) % 2 == 0,
                cells=cells(entry, shown, tied=shared.get(rank, False)),
                card=make_card(entry, board.metrics, out),
            )
        )
    return found


def _rank(entry: Entry) -> int:
    return int(entry.line["rank"]) if entry.part == "ranked" else 0


def _summary(board: Board) -> list[str]:
    """What the figures of a board are made of, in sentences."""
    first = board.line
    parts = [entry.part for entry in board.entries]
    counts = [counted(len(parts), "line")]
    if "reference" in parts:
        counts.append(counted(parts.count("reference"), "reference"))
    if "failed" in parts:
        counts.append(f"{parts.count('failed')} failed")
    draws = " or ".join(f"{n:,}" for n in sorted({int(e.line["draws"]) for e in board.entries}))
    alone = int(first["trainings"]) == 1
    over = "draws and test sets, not trainings" if alone else "trainings, draws and test sets"
    where = f"{first['cpu']}, {first['cores']} cores, {first['gpu'] or 'no GPU'}"
    return [
        f"{', '.join(counts)}; means over seeds of {draws} conformations each. Lower is better; "
        f"std is that of the test conformations' value; intervals hold {over}.",
        "The floor is what two true sets of these sizes differ by. A rank is one more than the "
        "number of lines that are better beyond doubt; lines with = share one.",
        f"Times are medians per conformation in batches of {int(first['timing_batch']):,} with "
        f"{counted(int(first['timing_threads']), 'thread')} on {where}, torch {first['torch']}.",
    ]
