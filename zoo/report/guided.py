"""Draws that were steered to wanted values, beside the truth there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.report.style import INK, MARKERS, MUTED, SERIES, shortened, small_multiples, style

COLUMNS = 2

Line = Mapping[str, Any]


def plot_guided(lines: Sequence[Line]) -> Figure:
    """A panel for each model: what was drawn against what was wanted, strength by strength.

    Args:
        lines: What `zoo guide --format json` prints; at least one.
    """
    models = list(dict.fromkeys(_name(line) for line in lines))
    scales = sorted({float(line["guidance"]) for line in lines})
    with style():
        figure, panels = small_multiples(len(models), COLUMNS, 2.9, ("wanted [σ]", "drawn [σ]"))
        for number, (panel, model) in enumerate(zip(panels, models, strict=True)):
            own = [line for line in lines if _name(line) == model]
            _panel(panel, own, scales)
            panel.set_xlim(*_around([line["target"] for line in lines]))
            panel.set_ylim(
                *_around([line["mean"] + k * line["std"] for line in lines for k in (-1, 1)])
            )
            panel.tick_params(labelleft=number % COLUMNS == 0)
            panel.set_title(shortened(model, 50))
        panels[0].legend(fontsize=7.5, loc="upper left", handletextpad=0.3)
    return figure


def _around(values: Sequence[float]) -> tuple[float, float]:
    """A range with some room on both sides."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1
    return low - room, high + room


def _name(line: Line) -> str:
    return f"{line['model']} · {line['sampler']}, {line['method']}"


def _panel(panel: Axes, lines: Sequence[Line], scales: Sequence[float]) -> None:
    wanted = [float(line["target"]) for line in lines]
    ends = min(wanted), max(wanted)
    panel.plot(ends, ends, color=MUTED, linewidth=0.8, zorder=1)
    apart = 0.012 * (ends[1] - ends[0])
    for line in lines:
        place = scales.index(float(line["guidance"])) + 1
        color = SERIES[(place - 1) % len(SERIES)]
        x = float(line["target"]) + apart * (place - (len(scales) + 1) / 2)
        panel.plot(
            [x, x], [line["mean"] - line["std"], line["mean"] + line["std"]],
            color=color, linewidth=1.2, zorder=2,
        )  # fmt: skip
        panel.plot(
            x, line["mean"], MARKERS[place - 1], color=color, markersize=5, zorder=3,
            label=f"strength {line['guidance']:g}" if line["target"] == wanted[0] else None,
        )  # fmt: skip
    for value in dict.fromkeys(wanted):
        line = next(line for line in lines if line["target"] == value)
        if "true_std" in line:
            middle, half = line.get("true_mean", value), line["true_std"]
            panel.plot(
                [value] * 2, [middle - half, middle + half], color=INK, linewidth=4, alpha=0.25
            )
    panel.tick_params(labelcolor=INK)
    panel.grid(visible=True)
    panel.set_axisbelow(True)
