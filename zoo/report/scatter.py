"""How near each line is to the truth, and what that costs: one point per line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from string import ascii_lowercase
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.report.labels import Box, Label, place_labels
from zoo.report.plane import draw_floor, heights, log_axes
from zoo.report.records import Board, Entry
from zoo.report.style import (
    INK,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    WIDTH,
    shortened,
    style,
)
from zoo.specs import HEADLINE

COSTS = {
    "cpu_us_per_sample": "CPU time per conformation [µs]",
    "cuda_us_per_sample": "CUDA time per conformation [µs]",
}
"""Columns that a figure may have along its horizontal axis."""


MOST_NAMES = 16
"""Lines whose names have room beside their points; more get letters."""

KEY_COLUMNS = 3

PANEL = 4.6
"""Height of a panel with its axis, in inches."""


class Look(NamedTuple):
    """How a line's point looks."""

    color: str
    fill: str
    marker: str


@dataclass(frozen=True, eq=False)
class Point:
    """A line in the plane of cost and distance.

    Args:
        entry: The line.
        cost: What a conformation costs.
        distance: The headline metric.
        front: Whether no ranked line is as cheap and as near, and better in one of the two.
    """

    entry: Entry
    cost: float
    distance: float
    front: bool


def points(board: Board, cost: str) -> list[Point]:
    """The lines of a board that have both a distance and a cost.

    Args:
        board: The board.
        cost: One of `COSTS`.
    """
    found = [
        (entry, float(entry.line[cost]), float(entry.line[HEADLINE]))
        for entry in board.entries
        if entry.part != "failed" and _positive(entry.line.get(cost), entry.line.get(HEADLINE))
    ]
    ranked = [(x, y) for entry, x, y in found if entry.part == "ranked"]
    return [
        Point(e, x, y, e.part == "ranked" and not any(_beats(other, (x, y)) for other in ranked))
        for e, x, y in found
    ]


def _positive(*values: float | None) -> bool:
    return all(value is not None and 0 < value < math.inf for value in values)


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def plot_scatter(board: Board, costs: Sequence[str]) -> Figure:
    """One panel for each kind of cost, one below the other; many lines get letters and a key.

    Args:
        board: The board.
        costs: Some of `COSTS`, of which the board has points.
    """
    every = {cost: points(board, cost) for cost in costs}
    shown = {id(p.entry): p.entry for found in every.values() for p in found}
    names = {key: _named(entry) for key, entry in shown.items()}
    crowded = len(shown) > MOST_NAMES
    tags = dict(zip(names, _letters(), strict=False)) if crowded else names
    looks = _looks(list(shown.values()))
    below = 0.2 + 0.17 * -(-len(shown) // KEY_COLUMNS) if crowded else 0.0
    tall = PANEL * len(costs) + below
    with style():
        figure = Figure(figsize=(WIDTH, tall))
        for number, (cost, found) in enumerate(every.items()):
            bottom = below + PANEL * (len(costs) - 1 - number) + 0.5
            panel = figure.add_axes((0.62 / WIDTH, bottom / tall, 0.905, (PANEL - 0.6) / tall))
            draw_floor(panel, found[0].entry.line, "floor: truth against truth")
            for point in found:
                _mark(panel, point, looks[id(point.entry)])
            _front(panel, found)
            _axes(panel, found, cost)
            _labels(panel, found, tags, looks)
        if crowded:
            _key(figure, [(tags[key], names[key], looks[key]) for key in shown], tall)
    return figure


def _named(entry: Entry) -> str:
    rank = "" if entry.part == "reference" else f"{entry.line['rank']}  "
    return f"{rank}{shortened(entry.name, 40)}"


def _letters() -> Iterator[str]:
    """Small letters, then pairs of them."""
    yield from ascii_lowercase
    yield from map("".join, product(ascii_lowercase, repeat=2))


def _looks(entries: Sequence[Entry]) -> dict[int, Look]:
    """One colour for each model and one marker for each sampler, as far as there are any."""
    models = list(dict.fromkeys(e.line["model"] for e in entries if e.part == "ranked"))
    samplers = list(dict.fromkeys(e.line["sampler"] for e in entries))
    found = {}
    for entry in entries:
        ranked, marker = entry.part == "ranked", samplers.index(entry.line["sampler"])
        color = SERIES[models.index(entry.line["model"]) % len(SERIES)] if ranked else MUTED
        found[id(entry)] = Look(color, color if ranked else PAPER, MARKERS[marker % len(MARKERS)])
    return found


def _key(figure: Figure, found: Sequence[tuple[str, str, Look]], tall: float) -> None:
    rows = -(-len(found) // KEY_COLUMNS)
    for number, (tag, name, look) in enumerate(found):
        x = 0.01 + number // rows / KEY_COLUMNS
        y = (0.1 + 0.17 * (rows - number % rows - 0.5)) / tall
        figure.text(x, y, tag, va="center", fontsize=7.5, fontweight="bold", color=look.color)
        figure.text(x + 0.025, y, name, va="center", fontsize=7.5, color=look.color)


def _mark(panel: Axes, point: Point, look: Look) -> None:
    line = point.entry.line
    low, high = line[f"{HEADLINE}_low"], line[f"{HEADLINE}_high"]
    if not math.isnan(low):
        panel.plot(
            [point.cost] * 2, [max(low, 1e-9), high], color=look.color, linewidth=1, alpha=0.7
        )
    panel.plot(
        point.cost, point.distance, marker=look.marker, markersize=6.5, color=look.color,
        markerfacecolor=look.fill, linestyle="none", zorder=3,
    )  # fmt: skip


def _front(panel: Axes, found: Sequence[Point]) -> None:
    front = sorted((point.cost, point.distance) for point in found if point.front)
    if len(front) > 1:
        x, y = zip(*front, strict=True)
        panel.step(x, y, where="post", color=INK, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=2)


def _axes(panel: Axes, found: Sequence[Point], cost: str) -> None:
    x = [p.cost for p in found]
    spread = max(x) / min(x)
    panel.set_xlim(min(x) / max(1.5, spread**0.06), max(x) * max(2.5, spread**0.3))
    panel.set_ylim(*heights([p.entry.line for p in found]))
    panel.set_xlabel(COSTS[cost])
    panel.set_ylabel("Rg W1, distance to the truth [std]")
    log_axes(panel)


def _labels(
    panel: Axes, found: Sequence[Point], tags: Mapping[int, str], looks: Mapping[int, Look]
) -> None:
    first = sorted(found, key=lambda point: point.entry.part != "ranked")
    labels = [
        Label((p.cost, p.distance), tags[id(p.entry)], looks[id(p.entry)].color, p.front)
        for p in first
    ]
    place_labels(panel, labels, _lines(panel, found))


def _lines(panel: Axes, found: Sequence[Point]) -> list[Box]:
    """Where the front and the floor's name are, which no label may cover."""
    front = sorted((point.cost, point.distance) for point in found if point.front)
    boxes = []
    for point in found:
        ends = [max(point.entry.line[f"{HEADLINE}_{end}"], 1e-9) for end in ("low", "high")]
        (x, low), (_, high) = panel.transData.transform([(point.cost, end) for end in ends])
        boxes.append((x - 2, low, x + 2, high))
    for (x, y), (end, below) in pairwise(front):
        corners = panel.transData.transform([(x, y), (end, y), (end, below)])
        (left, top), (right, _), (_, bottom) = corners
        boxes += [(left, top - 2, right, top + 2), (right - 2, bottom, right + 2, top)]
    floor = found[0].entry.line[f"{HEADLINE}_floor"]
    if not math.isnan(floor):
        frame, height = panel.get_window_extent(), panel.transData.transform((1, floor))[1]
        boxes.append((frame.x0, height - 2, frame.x1, height + 2))
        boxes.append((frame.x1 - 150, height, frame.x1, height + 14))
    return boxes
