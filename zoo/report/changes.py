"""What changed from one run to another: each line's figures, by how much chance allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from zoo.board.judgement import SLOWER, Verdict
from zoo.report.style import BAND, GRID, INK, MUTED, PAPER, SERIES, WARNING, WIDTH, shortened, style

_COLORS = {Verdict.WORSE: WARNING, Verdict.BETTER: SERIES[2]}
_MARKERS = {Verdict.WORSE: "X", Verdict.BETTER: "D", Verdict.UNSURE: "o"}

MOST_PANELS = 5


def changes(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that a figure can show, with their change in units of what passes for the same.

    For a metric that is the change over its margin, 0 where nothing changed; for a time the ratio
    HEAD / BASE.

    Args:
        cells: From `zoo.board.compare.compare`.

    Returns:
        The columns `name`, `measure`, `verdict`, `value`, `low` and `high`.
    """
    timed = cells["measure"].str.endswith(" time")
    unit = cells["margin"].where(~timed, 1.0)
    found = pd.DataFrame(
        {
            "name": names_of(cells),
            "measure": cells["measure"],
            "verdict": cells["verdict"],
            **{new: cells[old] / unit for new, old in
               (("value", "change"), ("low", "low"), ("high", "high"))},
        }
    )  # fmt: skip
    return found[np.isfinite(found["value"].astype(float)) & (unit > 0)]


def names_of(cells: pd.DataFrame) -> pd.Series[str]:
    """Model and sampler of each cell, with the board where there is more than one.

    Args:
        cells: From `zoo.board.compare.compare`.
    """
    board = cells["dataset"] + " · " + cells["preset"] + " · " + cells["device"]
    names = cells["model"] + " · " + cells["sampler"]
    return names if board.nunique() < 2 else names + " · " + board


def plot_changes(found: pd.DataFrame) -> Figure:
    """A panel for each measure and a row for each line; to the right of the band is worse.

    Args:
        found: From `changes`; at least one row.
    """
    measures = list(dict.fromkeys(found["measure"]))[:MOST_PANELS]
    names = list(dict.fromkeys(found["name"]))
    tall = 0.19 * len(names) + 0.9
    with style():
        figure = Figure(figsize=(WIDTH, tall))
        panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
        figure.subplots_adjust(
            left=2.1 / WIDTH, right=1 - 0.1 / WIDTH, bottom=0.55 / tall, top=1 - 0.3 / tall,
            wspace=0.1,
        )  # fmt: skip
        for panel, measure in zip(panels, measures, strict=True):
            _panel(panel, found[found["measure"] == measure], names)
            panel.set_title(measure)
        panels[0].set_yticks(range(len(names)), [shortened(name, 34) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
    return figure


def _panel(panel: Axes, found: pd.DataFrame, names: Sequence[str]) -> None:
    timed = str(found["measure"].iloc[0]).endswith(" time")
    low, high = (1 / SLOWER, SLOWER) if timed else (-1.0, 1.0)
    panel.axvspan(low, high, color=BAND, linewidth=0, zorder=0)
    panel.axvline(1.0 if timed else 0.0, color=MUTED, linewidth=0.8, zorder=1)
    for _, cell in found.iterrows():
        _mark(panel, cell, names.index(str(cell["name"])))
    values = found[["value", "low", "high"]].to_numpy(dtype=float)
    if timed:
        most = max(1.5, float(np.nanmax(np.maximum(values, 1 / np.maximum(values, 1e-9)))))
        far = 2 if most < 10 else 10
        panel.set_xscale("log")
        panel.set_xlim(1 / most / 1.2, most * 1.2)
        panel.set_xlabel("HEAD / BASE")
        panel.set_xticks([1 / far, 1, far])
    else:
        most = max(2.0, float(np.nanmax(np.abs(values))))
        far = 10 ** math.floor(math.log10(most))
        panel.set_xscale("symlog", linthresh=2.0)
        panel.set_xlim(-1.4 * most, 1.4 * most)
        panel.set_xlabel("change / margin")
        panel.set_xticks([-far, 0, far])
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(FuncFormatter(lambda _value, _: ""))
    panel.tick_params(labelcolor=INK, color=GRID, which="both")
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def _mark(panel: Axes, cell: pd.Series[Any], row: int) -> None:
    color = _COLORS.get(cell["verdict"], MUTED)
    if not np.isnan(cell["low"]):
        panel.plot([cell["low"], cell["high"]], [row, row], color=color, linewidth=1, zorder=2)
    unsure = cell["verdict"] == Verdict.UNSURE
    panel.plot(
        cell["value"], row, marker=_MARKERS.get(cell["verdict"], "."), markersize=5, color=color,
        markerfacecolor=PAPER if unsure else color, linestyle="none", zorder=3,
    )  # fmt: skip
