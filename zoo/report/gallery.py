"""Chains drawn as chains: beads of their own diameter, bonds, all at one scale."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from zoo.polymer import align
from zoo.report.chains import draw_chain, extent, scale_bar
from zoo.report.records import Board
from zoo.report.style import DRAWN, INK, WIDTH, style

CHAINS = 6
"""Chains in a row."""

TRUE = "truth, from the test data"

Row = tuple[str, Tensor]


def gallery(board: Board) -> list[Row]:
    """The first true chains, then the first that each line has drawn, with their names.

    Nothing is picked: these are the first conformations of each set.

    Args:
        board: The board.

    Returns:
        Names with conformations of shape (6, beads, dim) or fewer, each turned so that its long
        axis lies flat; none if no line has any.
    """
    found = [(entry.name, entry.drawn) for entry in board.drawn if entry.drawn is not None]
    if board.truth and found:
        found = [(TRUE, board.truth.conformations), *found]
    return [(name, align(x[:CHAINS])) for name, x in found]


def plot_gallery(found: Sequence[Row], width: float) -> Figure:
    """A row of chains for each name, seen from above, at one scale.

    Args:
        found: From `gallery`; at least one.
        width: Of a bead, in σ.
    """
    wide = min(max(extent(x, 0) for _, x in found), 1.5 * extent(found[0][1], 0)) + 2.0
    unit = WIDTH / (CHAINS * wide)
    head = 0.19 / unit  # room for a name, in σ
    tops, top = [], 0.0
    for _, x in found:
        tops.append(top)
        top -= min(extent(x, 1), wide) + 1.2 + head
    with style():
        figure = Figure(figsize=(WIDTH, unit * (1.0 - top)))
        panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        for (name, x), start in zip(found, tops, strict=True):
            middle = start - head - 0.6 - min(extent(x, 1), wide) / 2
            for place, chain in enumerate(x):
                at = wide * (place + 0.5), middle
                draw_chain(
                    panel, chain, at, INK if name == TRUE else DRAWN, width=width, inches=unit
                )
            panel.text(0.5, start - 0.1 * head, name, va="top", fontsize=8.5)
        scale_bar(panel, CHAINS * wide - 6, -0.5 * head)
        panel.set_xlim(0, CHAINS * wide)
        panel.set_ylim(top - 0.5, 0.5)
        panel.set_axis_off()
    return figure
