"""Distributions of what can be measured on a chain: drawn over true, with what chance allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from zoo.polymer import bond_lengths, end_to_end, radius_of_gyration
from zoo.report.records import Board, Entry
from zoo.report.style import (
    BAND,
    DRAWN,
    INK,
    MUTED,
    TRUTH,
    WARNING,
    shortened,
    small_multiples,
    style,
)

Array = NDArray[np.float64]

BINS = 32
COLUMNS = 3
MOST = 1.5
"""A panel ends at this multiple of the truth's highest bar, so that a spike flattens no other."""

VISIBLE = 0.005
"""The share of values outside a panel that is worth a word."""


@dataclass(frozen=True)
class Observable:
    """Something to measure on a chain.

    Args:
        label: What it is, with its unit.
        metric: The metric that looks at it.
        unit: The metric's unit.
        of: Its values on conformations; `None` for the dataset's energy.
    """

    label: str
    metric: str
    unit: str
    of: Callable[[Tensor], Tensor] | None


OBSERVABLES = {
    "rg": Observable("radius of gyration [σ]", "rg_w1", "std", radius_of_gyration),
    "bonds": Observable("bond length [σ]", "bond_w1", "σ", bond_lengths),
    "ree": Observable("end-to-end distance [σ]", "ree_w1", "std", end_to_end),
    "energy": Observable("energy [kT]", "energy_w1", "kT", None),
}


@dataclass(frozen=True, eq=False)
class Binned:
    """True values in bins that hold all but the rarest of them.

    Args:
        low: Where the first bin begins.
        high: Where the last one ends.
        chance: Of each bin, shape (bins,).
        worth: How many independent values these are worth.
    """

    low: float
    high: float
    chance: Array
    worth: float

    @property
    def width(self) -> float:
        """Width of a bin."""
        return (self.high - self.low) / len(self.chance)

    @property
    def edges(self) -> Array:
        """Edges of the bins, shape (bins + 1,)."""
        return np.linspace(self.low, self.high, len(self.chance) + 1)


@dataclass(frozen=True, eq=False)
class Histogram:
    """A drawn set's histogram over the truth's, as densities; each of shape (bins,).

    Args:
        edges: Of the bins, shape (bins + 1,).
        drawn: Of the drawn values.
        truth: Of the true values.
        low: Lower end of where a bin of a perfect model lies in 95% of cases.
        high: Upper end.
        outside: Share of the drawn values in no bin.
    """

    edges: Array
    drawn: Array
    truth: Array
    low: Array
    high: Array
    outside: float


def put_in_bins(truth: Tensor, worth: float, bins: int = BINS) -> Binned:
    """Choose bins by true values, and count these.

    Args:
        truth: True values, any shape.
        worth: How many independent ones they are worth.
        bins: How many.
    """
    y = truth.flatten().double().numpy()
    ends = np.quantile(y, [0.0005, 0.9995])
    margin = 0.1 * float(ends[1] - ends[0]) or 1.0
    low = max(float(ends[0]) - margin, min(float(y.min()), 0.0))
    high = float(ends[1]) + margin
    counts, _ = np.histogram(y, bins, (low, high))
    return Binned(low, high, counts / len(y), worth)


def histogram(drawn: Tensor, truth: Binned) -> Histogram:
    """Histogram of drawn values over the truth's.

    With p the chance of a bin, a perfect model's share of it and the truth's differ by a normal
    number of variance p (1 − p) (1/n + 1/m), for n drawn and m independent true values.

    Args:
        drawn: Values of the drawn set, any shape.
        truth: From `put_in_bins`.

    Example:
        >>> import torch
        >>> x = torch.linspace(0, 1, 1001)
        >>> found = histogram(x + 0.5, put_in_bins(x, 1001, bins=10))
        >>> bool((found.low <= found.truth).all()), round(found.outside, 2)
        (True, 0.4)
    """
    x = drawn.flatten().double().numpy()
    p, width = truth.chance, truth.width
    counts, _ = np.histogram(x, len(p), (truth.low, truth.high))
    half = 1.96 * np.sqrt(p * (1 - p) * (1 / len(x) + 1 / truth.worth))
    return Histogram(
        edges=truth.edges,
        drawn=counts / len(x) / width,
        truth=p / width,
        low=np.maximum(p - half, 0.0) / width,
        high=(p + half) / width,
        outside=float(1 - counts.sum() / len(x)),
    )


def histograms(board: Board, name: str) -> list[tuple[Entry, Histogram]]:
    """The histogram of every line of which conformations are kept.

    Args:
        board: The board.
        name: One of `OBSERVABLES`.

    Returns:
        One for each such line; none where the truth is not kept or its energy is not known.
    """
    measure = OBSERVABLES[name].of or board.energy
    if board.truth is None or measure is None:
        return []
    values = measure(board.truth.conformations)
    each = values.numel() / len(board.truth.conformations)
    truth = put_in_bins(values, each * board.truth.worth)
    return [
        (entry, histogram(measure(entry.drawn), truth))
        for entry in board.drawn
        if entry.drawn is not None
    ]


def plot_histograms(found: Sequence[tuple[Entry, Histogram]], name: str) -> Figure:
    """One small panel for each line, all on the same axes.

    Args:
        found: From `histograms`; at least one.
        name: One of `OBSERVABLES`.
    """
    observable = OBSERVABLES[name]
    with style():
        figure, panels = small_multiples(
            len(found), COLUMNS, 1.6, (observable.label, "probability density")
        )
        highest = max(max(one.drawn.max(), one.high.max()) for _, one in found)
        truth = max(one.truth.max() for _, one in found)
        for number, (panel, (entry, one)) in enumerate(zip(panels, found, strict=True)):
            _panel(panel, entry, one, observable)
            panel.set_xlim(one.edges[0], one.edges[-1])
            panel.set_ylim(0, min(1.08 * highest, MOST * truth))
            panel.tick_params(labelbottom=number >= len(found) - COLUMNS)
    return figure


def _panel(panel: Axes, entry: Entry, one: Histogram, observable: Observable) -> None:
    panel.stairs(one.truth, one.edges, fill=True, color=TRUTH)
    steps: dict[str, Any] = {"step": "post", "color": BAND, "linewidth": 0}
    low, high = (np.append(ends, ends[-1]) for ends in (one.low, one.high))
    panel.fill_between(one.edges, low, high, **steps)
    panel.stairs(one.truth, one.edges, color=MUTED, linewidth=0.7, baseline=None)
    panel.stairs(one.drawn, one.edges, color=DRAWN, linewidth=1.3, baseline=None)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.set_title(shortened(entry.name, 36), pad=13)
    panel.text(
        0, 1.03, verdict(entry, observable), transform=panel.transAxes, fontsize=7.5, color=MUTED
    )
    if one.outside > VISIBLE:
        panel.text(
            *(0.99, 0.9, f"{one.outside:.0%} outside"),
            transform=panel.transAxes, ha="right", fontsize=7.5, color=WARNING,
        )  # fmt: skip
    panel.tick_params(colors=MUTED, labelcolor=INK)


def verdict(entry: Entry, observable: Observable) -> str:
    """The metric of an observable in words.

    Args:
        entry: The line.
        observable: What is looked at.
    """
    value, ratio = (entry.line.get(f"{observable.metric}{end}", math.nan) for end in ("", "_ratio"))
    if value is None or math.isnan(value):
        return ""
    words = f"W1 {shown(value)} {observable.unit}"
    return words if math.isnan(ratio) else f"{words}, {shown(ratio)} × floor"


def shown(value: float) -> str:
    """A number to three digits, or whole where it has more.

    Example:
        >>> shown(0.01234), shown(1234.5)
        ('0.0123', '1,234')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
