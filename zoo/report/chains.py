"""One chain drawn as a chain: beads of their own diameter, bonds, overlaps in another colour."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from torch import Tensor

from zoo.polymer import bond_lengths
from zoo.report.style import INK, MUTED, PAPER, WARNING

OVERLAP = 0.8
"""Beads that are not bonded and nearer than this, in their own widths, overlap."""


def draw_chain(
    panel: Axes,
    chain: Tensor,
    at: tuple[float, float],
    color: str,
    *,
    width: float,
    inches: float,
    size: float = 1.0,
    mark: bool = True,
) -> None:
    """Draw one conformation, seen from above, the middle of its extent at a place.

    Args:
        panel: Where to; its axes have equal scales.
        chain: Shape (beads, dim), in σ.
        at: The place, in the panel's units.
        color: Of beads that overlap with none.
        width: Of a bead, in σ; see `bead_width`.
        inches: What 1 σ will measure on paper; lines are as thin as that asks for.
        size: The panel's units in 1 σ.
        mark: Whether overlapping beads have another colour.
    """
    middle = (chain.amin(dim=0) + chain.amax(dim=0))[:2] / 2
    flat = size * (chain[:, :2] - middle) + torch.tensor(at)
    clash = overlapping(chain, width).tolist() if mark else [False] * len(chain)
    # In space the beads further up hide those below.
    order = chain[:, 2].argsort().tolist() if chain.shape[1] > 2 else list(range(len(chain)))
    colors = [WARNING if clash[i] else color for i in order]
    thin = min(1.0, 8 * inches * width)
    look: dict[str, Any] = {"facecolors": colors, "edgecolors": PAPER, "linewidths": 0.5 * thin}
    look |= {"offsets": flat[order].numpy(), "offset_transform": panel.transData, "zorder": 2}
    for line, thick, height in ((MUTED, 1.6, 1), (PAPER, 0.7, 3)):
        way = LineCollection([flat.numpy()], colors=line, linewidths=thick * thin, zorder=height)
        panel.add_collection(way)
    panel.add_collection(EllipseCollection(width * size, width * size, 0.0, units="xy", **look))


def scale_bar(panel: Axes, left: float, height: float) -> None:
    """A bar of 5 σ on a panel whose unit is 1 σ."""
    panel.plot([left, left + 5], [height] * 2, color=INK, linewidth=1.5, solid_capstyle="butt")
    panel.text(left - 0.4, height, "5 σ", ha="right", va="center", fontsize=8.5)


def extent(x: Tensor, axis: int) -> float:
    """Largest extent of conformations (n, beads, dim) along an axis, in σ."""
    return float((x[..., axis].amax(dim=1) - x[..., axis].amin(dim=1)).max())


def bead_width(x: Tensor) -> float:
    """How wide to draw beads: as typical bonds are long, but no wider than 1 σ.

    Args:
        x: True conformations, shape (n, beads, dim), in σ.

    Example:
        >>> bead_width(torch.tensor([[[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]]))
        0.5
    """
    return min(1.0, float(bond_lengths(x).median()))


def overlapping(x: Tensor, width: float = 1.0) -> Tensor:
    """Which beads of a chain overlap with one that they are not bonded to.

    Args:
        x: One conformation, shape (beads, dim), in σ.
        width: Of a bead, in σ.

    Returns:
        Truth values, shape (beads,).

    Example:
        >>> ring = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.5]])
        >>> overlapping(ring).tolist()
        [True, False, False, True]
    """
    number = torch.arange(len(x))
    apart = (number[:, None] - number).abs() > 1
    return ((torch.cdist(x, x) < OVERLAP * width) & apart).any(dim=1)
