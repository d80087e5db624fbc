"""The grid that densities of bond lengths live on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.generative import Hats

KNOTS = 48
"""Knots of the density of a bond length."""

SIGMAS = 7.0
"""How far lengths may lie from their mean, in standard deviations, where the data go no further."""


class BondGrid(nn.Module):
    """Where bond lengths may lie: around their mean, and wherever the data have any.

    Example:
        >>> grid = BondGrid()
        >>> grid.fit(torch.tensor([0.9, 1.0, 1.1]))
        >>> round(grid.hats.low, 3), round(grid.hats.high, 3)
        (0.3, 1.7)
    """

    mean: Tensor
    std: Tensor
    ends: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.ones(()))
        self.register_buffer("std", torch.ones(()))
        self.register_buffer("ends", torch.tensor([0.01, 1.0 + SIGMAS]))

    def fit(self, r: Tensor) -> None:
        """Take mean, spread and ends from lengths of any shape, in σ."""
        self.mean = r.mean()
        self.std = r.std().clamp(min=1e-4 * self.mean)
        low = (self.mean - SIGMAS * self.std).clamp(min=0.01 * self.mean)
        high = self.mean + SIGMAS * self.std
        self.ends = torch.stack([low.minimum(0.9 * r.min()), high.maximum(1.1 * r.max())])

    @property
    def hats(self) -> Hats:
        """The grid of a density."""
        low, high = self.ends.tolist()
        return Hats(low, high, KNOTS)

    def standard(self, r: Tensor) -> Tensor:
        """Lengths in standard deviations from their mean."""
        return (r - self.mean) / self.std

    def normal(self, like: Tensor) -> Tensor:
        """Logits, shape (KNOTS,), of a normal density with this mean and spread."""
        return -self.standard(self.hats.knots(like)).square() / 2
