"""Conformations that are wrong on purpose, by a known amount: what a metric ought to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.polymer.geometry import bond_vectors, center, radius_of_gyration
from zoo.polymer.symmetry import augment

COPY_NOISE = 0.02
"""Standard deviation in σ of the noise on each coordinate of a copied training conformation."""


@dataclass(frozen=True)
class Canary:
    """One way of being wrong, by degrees.

    Args:
        name: What it is called.
        strength: What its strength means.
        strengths: Strengths to try, rising.
        spoil: Takes true conformations (m, beads, dim) with m at least twice n, training
            conformations, n and a strength; gives n spoilt conformations. Uses torch's random
            state.
    """

    name: str
    strength: str
    strengths: tuple[float, ...]
    spoil: Callable[[Tensor, Tensor, int, float], Tensor]


def expanded(x: Tensor, _train: Tensor, n: int, strength: float) -> Tensor:
    """Every length multiplied by 1 + strength.

    Example:
        >>> rod = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]] * 2)
        >>> expanded(rod, rod, 1, 0.5).tolist()
        [[[-1.5, 0.0], [1.5, 0.0]]]
    """
    return x[:n] * (1 + strength)


def blurred(x: Tensor, _train: Tensor, n: int, strength: float) -> Tensor:
    """Normal noise of standard deviation `strength` (σ) on every bond length, angles kept.

    Example:
        >>> rod = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]] * 2)
        >>> blurred(rod, rod, 1, 0.0).tolist()
        [[[-1.0, 0.0], [1.0, 0.0]]]
    """
    bonds = bond_vectors(x[:n])
    lengths = torch.linalg.vector_norm(bonds, dim=-1, keepdim=True)
    stretched = bonds * (1 + strength * torch.randn_like(lengths) / lengths)
    start = torch.zeros_like(stretched[:, :1])
    return center(torch.cat([start, stretched.cumsum(dim=1)], dim=1))


def truncated(x: Tensor, _train: Tensor, n: int, strength: float) -> Tensor:
    """The most compact chains missing: that fraction of the truth, by the radius of gyration.

    Example:
        >>> rods = torch.tensor([[[-r, 0.0], [r, 0.0]] for r in (1.0, 2.0, 3.0, 4.0)])
        >>> truncated(rods, rods, 2, 0.5)[:, 1, 0].tolist()
        [3.0, 4.0]
    """
    radii = radius_of_gyration(x)
    least = radii.sort().values[min(len(x) - n, round(strength * len(x)))]
    return x[radii >= least][:n]


def copied(x: Tensor, train: Tensor, n: int, strength: float) -> Tensor:
    """That fraction of training conformations, turned at random, with a little noise.

    Example:
        >>> x = torch.zeros(4, 3, 2)
        >>> train = torch.tensor([[[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]])
        >>> (copied(x, train, 2, 0.5).abs().amax(dim=(1, 2)) > 0.5).tolist()
        [True, False]
    """
    copies = round(strength * n)
    chosen = train[torch.randint(len(train), (copies,))]
    noisy = augment(chosen) + COPY_NOISE * torch.randn_like(chosen)
    return torch.cat([noisy, x[: n - copies]])


CANARIES = (
    Canary("expanded", "relative expansion", (0.005, 0.01, 0.02, 0.05, 0.1), expanded),
    Canary("blurred", "bond noise [σ]", (0.01, 0.02, 0.05, 0.1, 0.2), blurred),
    Canary("truncated", "compact fraction missing", (0.01, 0.02, 0.05, 0.1, 0.2), truncated),
    Canary("copied", "fraction of training data", (0.1, 0.2, 0.5, 0.8, 1.0), copied),
)
"""The ways of being wrong that `zoo power` tries."""
