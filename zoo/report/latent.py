"""The map of a latent space: where training conformations lie, and what its places decode to."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from torch import Tensor

from zoo.polymer import center
from zoo.report.chains import bead_width, draw_chain, extent
from zoo.report.style import DRAWN, INK, PAPER, WARNING, WIDTH, style

SIDE = 8
"""Decoded chains along a side of the map, at most."""


def plot_latent(arrays: Mapping[str, Tensor]) -> Figure:
    """Codes by the radius of gyration of what they stand for, beside what a grid decodes to.

    Args:
        arrays: What `zoo latent -o` keeps: codes and Rg of training conformations, the decoded
            grid, the way between two conformations and that of descending Rg.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.7))
        left = figure.add_axes((0.07, 0.13, 0.37, 0.74))
        cells = _map(left, arrays)
        bar = figure.colorbar(cells, cax=figure.add_axes((0.45, 0.13, 0.013, 0.74)))
        bar.ax.set_title("Rg [σ]", fontsize=8)
        bar.outline.set_visible(False)
        right = figure.add_axes((0.6, 0.13, 0.37, 0.74))
        _grid(right, arrays)
    return figure


def _plane(codes: Tensor) -> tuple[Tensor, Tensor]:
    """The first two numbers of codes; the second is 0 where there is only one."""
    return codes[:, 0], codes[:, 1] if codes.shape[1] > 1 else torch.zeros(len(codes))


def _map(panel: Axes, arrays: Mapping[str, Tensor]) -> PolyCollection:
    (x, y), (u, v) = (_plane(arrays[f"{name}_codes"]) for name in ("train", "grid"))
    ends = _ends(x, u), _ends(y, v)
    cells = panel.hexbin(
        x.numpy(), y.numpy(), arrays["train_rg"].numpy(), gridsize=28, cmap="viridis",
        extent=(*ends[0], *ends[1]), linewidths=0.1,
    )  # fmt: skip
    for name, color, word in (("between", INK, "between two"), ("descent", WARNING, "down in Rg")):
        way = [part.numpy() for part in _plane(arrays[f"{name}_codes"])]
        panel.plot(*way, color=PAPER, linewidth=3)
        panel.plot(*way, color=color, linewidth=1.5, label=word)
        panel.plot(way[0][-1], way[1][-1], "o", color=color, markeredgecolor=PAPER, markersize=6)
    panel.set_title("training conformations", pad=18)
    panel.legend(
        loc="lower left", bbox_to_anchor=(-0.03, 0.98), ncols=2, fontsize=7.5, handlelength=1.2
    )
    panel.set_xlim(*ends[0])
    panel.set_ylim(*ends[1])
    panel.set_xlabel("first latent number")
    panel.set_ylabel("second latent number")
    return cells


def _ends(x: Tensor, grid: Tensor) -> tuple[float, float]:
    """The range of all but the rarest codes, and of the grid."""
    low, high = torch.quantile(x, torch.tensor([0.001, 0.999])).tolist()
    low, high = min(low, float(grid.min())), max(high, float(grid.max()))
    return (low, high) if high > low else (low - 1, high + 1)


def _grid(panel: Axes, arrays: Mapping[str, Tensor]) -> None:
    x, y = _plane(arrays["grid_codes"])
    across, up = (_spread(torch.unique(part)) for part in (x, y))
    kept = torch.isin(x, across) & torch.isin(y, up)
    chains = center(arrays["grid_conformations"][kept])
    gap = float(across.diff().min()) if len(across) > 1 else 1.0
    size = 0.9 * gap / max(extent(chains, 0) + 1, extent(chains, 1) + 1)
    width = bead_width(arrays["between_conformations"])
    inches = size * 0.37 * WIDTH / (float(x.max() - x.min()) + gap)
    for chain, *at in zip(chains, x[kept].tolist(), y[kept].tolist(), strict=True):
        draw_chain(panel, chain, (at[0], at[1]), DRAWN, width=width, inches=inches, size=size)
    panel.set_title("what places on a grid decode to", pad=6)
    panel.set_xlabel("first latent number")
    panel.set_aspect("equal")
    panel.set_xlim(float(x.min()) - gap / 2, float(x.max()) + gap / 2)
    panel.set_ylim(float(y.min()) - gap / 2, float(y.max()) + gap / 2)


def _spread(values: Tensor) -> Tensor:
    """At most `SIDE` of some values, at equal steps about their middle."""
    step = max(1, -(-(len(values) - 1) // (SIDE - 1)))
    return values[(len(values) - 1) % step // 2 :: step]
