"""What a sampler makes of its network calls: distance to the truth, model by model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.report.labels import Label, place_labels
from zoo.report.plane import draw_floor, heights, log_axes
from zoo.report.records import Board
from zoo.report.style import (
    MARKERS,
    SERIES,
    WIDTH,
    shortened,
    small_multiples,
    style,
)
from zoo.specs import HEADLINE

COLUMNS = 2

Lines = list[Mapping[str, Any]]


def walks(board: Board) -> dict[str, dict[str, Lines]]:
    """Lines by model and by their sampler without its number of steps, fewest calls first.

    Args:
        board: The board.

    Returns:
        Only models whose lines differ in their number of calls.
    """
    found: dict[str, dict[str, Lines]] = {}
    for entry in board.entries:
        calls, distance = (entry.line.get(name) for name in ("nfe", HEADLINE))
        if entry.part == "failed" or not _positive(calls) or not _positive(distance):
            continue
        sampler = _without_steps(str(entry.line["sampler"]))
        own = found.setdefault(str(entry.line["model"]), {})
        own.setdefault(sampler, []).append(entry.line)
    return {
        model: {name: sorted(lines, key=lambda one: one["nfe"]) for name, lines in own.items()}
        for model, own in found.items()
        if len({line["nfe"] for lines in own.values() for line in lines}) > 1
    }


def _without_steps(sampler: str) -> str:
    """A sampler's label, of which any number of steps is one curve.

    Example:
        >>> _without_steps("ode[method=rk4,steps=5]"), _without_steps("ddim[steps=5]")
        ('ode[method=rk4]', 'ddim')
    """
    name, _, options = sampler.rstrip("]").partition("[")
    kept = [one for one in options.split(",") if one and not one.startswith("steps=")]
    return f"{name}[{','.join(kept)}]" if kept else name


def _positive(value: Any) -> bool:  # noqa: ANN401 - a cell of a data frame
    return value is not None and 0 < value < math.inf


def plot_calls(found: Mapping[str, Mapping[str, Lines]]) -> Figure:
    """A panel for each model, in which every sampler has a curve.

    Args:
        found: From `walks`; at least one.
    """
    every = [line for own in found.values() for lines in own.values() for line in lines]
    samplers = list(dict.fromkeys(name for own in found.values() for name in own))
    calls = [line["nfe"] for line in every]
    with style():
        figure, panels = small_multiples(
            len(found),
            COLUMNS,
            3.1,
            ("network calls per conformation", "Rg W1, distance to the truth [std]"),
        )
        for number, (panel, (model, own)) in enumerate(zip(panels, found.items(), strict=True)):
            panel.set_xlim(min(calls) / 1.5, max(calls) * 3)
            panel.set_ylim(*heights(every))
            log_axes(panel)
            draw_floor(panel, every[0])
            _curves(panel, own, samplers)
            panel.set_title(shortened(model, 50))
            panel.tick_params(labelleft=number % COLUMNS == 0, which="both")
        figure.subplots_adjust(left=0.65 / WIDTH)
        for panel, own in zip(panels, found.values(), strict=True):
            place_labels(panel, [_label(*one, samplers) for one in own.items()])
    return figure


def _color(sampler: str, samplers: Sequence[str]) -> str:
    return SERIES[samplers.index(sampler) % len(SERIES)]


def _curves(panel: Axes, own: Mapping[str, Lines], samplers: Sequence[str]) -> None:
    for name, lines in own.items():
        color, marker = _color(name, samplers), MARKERS[samplers.index(name) % len(MARKERS)]
        x, y = [line["nfe"] for line in lines], [line[HEADLINE] for line in lines]
        panel.plot(x, y, marker=marker, color=color, markersize=5, linewidth=1, alpha=0.9)
        for line in lines:
            low, high = line[f"{HEADLINE}_low"], line[f"{HEADLINE}_high"]
            if not math.isnan(low):
                panel.plot([line["nfe"]] * 2, [max(low, 1e-9), high], color=color, linewidth=0.8)


def _label(sampler: str, lines: Lines, samplers: Sequence[str]) -> Label:
    last = lines[-1]
    return Label((last["nfe"], last[HEADLINE]), sampler, _color(sampler, samplers))
