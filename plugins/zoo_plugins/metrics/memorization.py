"""Does a model draw new chains, or give back those it was trained on?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.polymer import pair_distances


@dataclass(frozen=True)
class Memorization(zoo.Metric):
    """Distance to the nearest training conformation, relative to that of test conformations.

    The ratio of the two medians: 1 for new true chains, 0 for copies, above 1 far from all data.
    Two conformations are compared by the root-mean-square difference of their pair distances,
    which no shift, rotation or reflection changes, in the better of the two bead orders. The
    first conformations of either set are looked at. NaN in, NaN out.

    Args:
        most: Drawn and test conformations looked at, at most.

    Reference:
        Meehan, Chaudhuri & Dasgupta, A non-parametric test to detect data-copying (2020),
        arXiv:2004.05675 (the idea of nearest distances relative to held-out data).

    Example:
        >>> x = torch.arange(96.0).view(4, 12, 2) ** 2
        >>> Memorization().compute(zoo.Drawn(-x[:2]), zoo.Data(train=x[:2], test=x[2:]))
        0.0
    """

    most: int = 300

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Ratio of median nearest distances."""
        if drawn.conformations.isnan().any():  # also beyond the part that is looked at
            return math.nan
        x, test = drawn.conformations[: self.most], data.test[: self.most]
        nearest = nearest_distances(torch.cat([x, test]), data.train)
        near, usual = torch.split(nearest, [len(x), len(test)])
        return float(near.quantile(0.5) / usual.quantile(0.5))


def nearest_distances(x: Tensor, train: Tensor, *, at_once: int = 1_000) -> Tensor:
    """Distance from each conformation to the training conformation most like it.

    Matrix products find the nearest; its distance is then computed directly, since the
    difference of squares that the products give is blind below a thousandth of the chain's size.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.
        train: Training conformations, shape (m, beads, dim), in σ.
        at_once: Training conformations compared at a time; bounds the memory.

    Returns:
        Root-mean-square differences of pair distances, shape (n,), in σ.

    Example:
        >>> x = torch.arange(48.0).view(2, 12, 2)
        >>> nearest_distances(x.flip(1), x).tolist()
        [0.0, 0.0]
    """
    both = torch.cat([pair_distances(x), pair_distances(x.flip(1))])
    best = both.new_full((len(both),), math.inf)
    where = torch.zeros(len(both), dtype=torch.long, device=x.device)
    for start in range(0, len(train), at_once):
        other = pair_distances(train[start : start + at_once])
        # |u − v|² without |u|², which is the same for every v.
        squared = torch.addmm(other.square().sum(dim=1), both, other.mT, alpha=-2)
        low, index = squared.min(dim=1)
        where = torch.where(low < best, start + index, where)
        best = torch.minimum(best, low)
    exact = torch.cat(
        [
            (part - pair_distances(train[index])).square().mean(dim=1).sqrt()
            for part, index in zip(
                torch.split(both, at_once), torch.split(where, at_once), strict=True
            )
        ]
    )
    return torch.minimum(*exact.chunk(2))
