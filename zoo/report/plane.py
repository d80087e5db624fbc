"""The plane of cost and distance to the truth: its axes, and the floor in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from zoo.report.style import BAND, GRID, INK, MUTED
from zoo.specs import HEADLINE


def draw_floor(panel: Axes, line: Mapping[str, Any], words: str = "") -> None:
    """The floor of the headline and its band, across a panel.

    Args:
        panel: Where to.
        line: A line that has them.
        words: What to write on it.
    """
    low, middle, high = (line[f"{HEADLINE}_floor{end}"] for end in ("_low", "", "_high"))
    if math.isnan(middle):
        return
    panel.axhspan(max(low, 1e-9), high, color=BAND, linewidth=0, zorder=0)
    panel.axhline(middle, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    panel.text(
        *(0.995, middle, words), transform=panel.get_yaxis_transform(),
        ha="right", va="bottom", fontsize=8, color=INK,
    )  # fmt: skip


def heights(lines: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """The range of distances that holds all lines and the floor's band.

    Args:
        lines: Lines with a positive headline.

    Example:
        >>> low, high = heights([{"rg_w1": 0.1, "rg_w1_floor_low": 0.01}])
        >>> round(low, 4), round(high, 4)
        (0.007, 0.16)
    """
    found = [float(line[HEADLINE]) for line in lines]
    floor = float(lines[0][f"{HEADLINE}_floor_low"])
    return 0.7 * min(found + ([floor] if floor > 0 else [])), 1.6 * max(found)


def log_axes(panel: Axes) -> None:
    """Logarithmic axes with plain numbers, at 2 and 5 between powers of ten where there is room.

    Args:
        panel: Its limits are set.
    """
    panel.set_xscale("log")
    panel.set_yscale("log")
    for axis in (panel.xaxis, panel.yaxis):
        low, high = axis.get_view_interval()
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(FuncFormatter(_between) if high < 1e3 * low else NullFormatter())
    panel.tick_params(labelcolor=INK, which="both", color=GRID, length=3, pad=3.5)
    panel.grid(visible=True, which="major")
    panel.set_axisbelow(True)


def _between(value: float, _place: int) -> str:
    digit = round(value / 10 ** math.floor(math.log10(value)))
    return f"{value:,.10g}" if digit in (2, 5) else ""
