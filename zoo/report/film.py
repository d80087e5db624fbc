"""Noise becoming a chain: the states that walks went through, frame by frame."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from zoo.report.chains import bead_width, draw_chain, extent, scale_bar
from zoo.report.style import DRAWN, MUTED, WIDTH, style

WALKS = 4
FRAMES = 8


def plot_film(trajectory: Tensor, times: Tensor) -> Figure:
    """A row for each of the first walks, from noise on the left to data on the right.

    Args:
        trajectory: States as conformations, shape (n, frames, beads, dim), in σ.
        times: The time of each state, shape (n, frames).
    """
    frames = trajectory.shape[1]
    chosen = torch.linspace(0, frames - 1, min(FRAMES, frames)).round().long()
    shown = trajectory[:WALKS, chosen].float()
    last = shown[:, -1]
    flat = shown.flatten(0, 1)
    most = 1.6 * max(extent(last, 0), extent(last, 1))
    wide, high = (min(extent(flat, axis), most) + 1.6 for axis in (0, 1))
    width = bead_width(trajectory[:, -1].float())
    unit = WIDTH / (wide * len(chosen))
    head = 0.25 / unit  # room for a line of text, in σ
    whole = wide * len(chosen), high * len(shown) + 2 * head
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH * whole[1] / whole[0]))
        panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        for column, time in enumerate(times[0, chosen].tolist()):
            x = wide * (column + 0.5)
            panel.text(x, -0.5 * head, f"t = {time:.2f}", ha="center", va="center", fontsize=8.5)
            for row, chain in enumerate(shown[:, column]):
                color = DRAWN if column == len(chosen) - 1 else MUTED
                draw_chain(
                    panel, chain, (x, -head - high * (row + 0.5)), color, width=width, inches=unit
                )
        scale_bar(panel, whole[0] - 6, 0.4 * head - whole[1])
        panel.set_xlim(0, whole[0])
        panel.set_ylim(-whole[1], 0)
        panel.set_axis_off()
    return figure
