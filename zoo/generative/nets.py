"""Small networks: a multilayer perceptron and features of time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn


class MLP(nn.Sequential):
    """Fully connected layers with SiLU between them.

    Args:
        inputs: Numbers in.
        outputs: Numbers out.
        width: Units of a hidden layer.
        depth: Number of hidden layers, at least 1.

    Example:
        >>> MLP(3, 2, width=8, depth=2)(torch.zeros(5, 3)).shape
        torch.Size([5, 2])
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, depth: int) -> None:
        widths = [inputs, *[width] * depth]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            # In place spares the memory of what is not needed for gradients.
            layers += [nn.Linear(before, after), nn.SiLU(inplace=True)]
        super().__init__(*layers, nn.Linear(width, outputs))

    def silent(self) -> Self:
        """Set the last layer to zero, and give itself back: it begins by saying nothing.

        Example:
            >>> MLP(3, 2, width=8, depth=2).silent()(torch.ones(1, 3)).abs()
            tensor([[0., 0.]], grad_fn=<AbsBackward0>)
        """
        for parameter in self[-1].parameters():
            nn.init.zeros_(parameter)
        return self


class TimeFeatures(nn.Module):
    """Sines and cosines of a time in [0, 1], from half a period to `fastest` half periods.

    Args:
        size: Number of features, even.
        fastest: Half periods of the fastest wave over the unit interval.

    Reference:
        Vaswani et al. (2017), section 3.5, arXiv:1706.03762, with frequencies for [0, 1].

    Example:
        >>> TimeFeatures(4, fastest=2.0)(torch.tensor([1.0])).abs().round(decimals=3)
        tensor([[0., 0., 1., 1.]])
    """

    def __init__(self, size: int = 32, *, fastest: float = 16.0) -> None:
        super().__init__()
        waves = torch.logspace(0, math.log10(fastest), size // 2) * math.pi
        self.register_buffer("waves", waves, persistent=False)
        self.waves: Tensor

    def forward(self, t: Tensor) -> Tensor:
        """Features of times t, shape (n,), as (n, size)."""
        phases = t[:, None] * self.waves
        return torch.cat([phases.sin(), phases.cos()], dim=1)
