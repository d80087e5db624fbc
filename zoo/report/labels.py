"""Names beside points, each in the nearest place that is free."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from zoo.report.style import MUTED

Box = tuple[float, float, float, float]
"""Left, bottom, right and top on the figure, in pixels."""


@dataclass(frozen=True)
class Label:
    """A name and the point it belongs to.

    Args:
        at: The point, in the panel's units.
        text: The name.
        color: Of the text.
        bold: Whether it is set in bold.
    """

    at: tuple[float, float]
    text: str
    color: str
    bold: bool = False


def place_labels(panel: Axes, labels: Sequence[Label], obstacles: Sequence[Box] = ()) -> None:
    """Write names beside their points, such that none covers another or anything in the way.

    Args:
        panel: Where to; its scales and limits must be final.
        labels: The names, those first that should be nearest.
        obstacles: What else may not be covered.
    """
    places = panel.transData.transform([label.at for label in labels])
    taken = [*obstacles, *((x - 5, y - 5, x + 5, y + 5) for x, y in places)]
    window = panel.get_window_extent()
    frame = window.x0, window.y0, window.x1, window.y1
    for label, (x, y) in zip(labels, places, strict=True):
        size = (6.8 if label.bold else 6.0) * len(label.text) + 3, 12.0
        box, shift = _free((x, y), size, taken, frame)
        taken.append(box)
        far = math.hypot(*shift) > 24
        panel.annotate(
            label.text, label.at, xytext=(0.72 * shift[0], 0.72 * shift[1]),
            textcoords="offset points", fontsize=7.5, color=label.color,
            ha="left" if shift[0] >= 0 else "right", va="center",
            fontweight="bold" if label.bold else "normal",
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.5} if far else None,
        )  # fmt: skip


def _free(
    point: tuple[float, float], size: tuple[float, float], taken: Sequence[Box], frame: Box
) -> tuple[Box, tuple[float, float]]:
    """The box nearest to a point that meets no other and stays inside, and its shift."""
    (x, y), (width, height) = point, size
    boxes = []
    for far in range(9, 100, 6):
        for turn in (0, 180, 30, -30, 150, -150, 60, -60, 120, -120, 85, -85):
            dx, dy = far * math.cos(math.radians(turn)), far * math.sin(math.radians(turn))
            left = x + dx if dx >= 0 else x + dx - width
            box = (left, y + dy - height / 2, left + width, y + dy + height / 2)
            inside = frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1]
            boxes.append((box, (dx, dy)))
            if inside and box[3] <= frame[3] and not any(_meet(box, other) for other in taken):
                return box, (dx, dy)
    return boxes[0]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
