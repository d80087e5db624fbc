"""How training went: the loss of each epoch, for every model that is trained by gradients."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from zoo.report.records import Board
from zoo.report.style import DRAWN, INK, shortened, small_multiples, style

COLUMNS = 3

Losses = Mapping[int, tuple[float, ...]]
"""Mean loss of each epoch, by seed."""


def losses(board: Board) -> dict[str, Losses]:
    """Mean loss of each epoch, seed by seed, of each model that was trained by gradients.

    Args:
        board: The board.
    """
    return {str(entry.line["model"]): entry.losses for entry in board.entries if entry.losses}


def plot_losses(found: dict[str, Losses]) -> Figure:
    """One panel for each model, since losses of different kinds have no common scale.

    Args:
        found: From `losses`; at least one.
    """
    with style():
        figure, panels = small_multiples(len(found), COLUMNS, 1.7, ("epoch", "loss"))
        figure.subplots_adjust(wspace=0.35)
        for panel, (model, seeds) in zip(panels, found.items(), strict=True):
            for one in seeds.values():
                dot = "." if len(one) == 1 else ""
                panel.plot(range(1, len(one) + 1), one, dot, color=DRAWN, linewidth=1, alpha=0.75)
            panel.set_title(shortened(model, 30))
            panel.tick_params(labelcolor=INK)
            panel.locator_params(axis="x", integer=True, nbins=5)
            panel.locator_params(axis="y", nbins=4)
    return figure
