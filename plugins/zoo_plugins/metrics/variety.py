"""Does a model draw all kinds of conformations there are? NaN in, NaN out.

Two conformations are compared by `features.invariants`: the distance between them is about the
root of the summed squared differences of their pair distances. The first conformations of
either set are looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

import zoo
from zoo_plugins.metrics.features import equally_many, invariants, squared_distances


@dataclass(frozen=True)
class Coverage(zoo.Metric):
    """Fraction of test conformations that have a drawn one nearby.

    Nearby is nearer than the k-th nearest other test conformation. Truth does not reach 1: with
    as many drawn as test conformations it covers about 1 − 2⁻ᵏ. A model that leaves out a kind
    of conformation does not cover it, however good its others are.

    Args:
        most: Drawn and test conformations looked at, at most.
        k: Which neighbour, counted from 1.

    Reference:
        Naeem, Oh, Uh, Choi & Yoo, Reliable fidelity and diversity metrics (2020),
        arXiv:2002.09797.
    """

    most: int = 1_000
    k: int = 5

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Fraction between 0 and 1."""
        fake, real = equally_many(drawn.conformations, data.test, self.most)
        # A comparison with NaN is false: without this a failed set would only cover nothing.
        if fake.isnan().any():
            return math.nan
        fake, real = invariants(fake), invariants(real)
        others = squared_distances(real, real).fill_diagonal_(math.inf)
        radius = others.topk(self.k, dim=1, largest=False).values[:, -1]
        nearest = squared_distances(real, fake).amin(dim=1)
        return float((nearest <= radius).double().mean())


@dataclass(frozen=True)
class Diversity(zoo.Metric):
    """Mean distance between two drawn conformations, relative to that between two of the test.

    Below 1 for a model that draws the same few again and again, or typical ones only.

    Args:
        most: Drawn and test conformations looked at, at most.

    Example:
        >>> import torch
        >>> x = torch.arange(96.0).view(4, 12, 2) ** 2
        >>> data = zoo.Data(train=x, test=x)
        >>> round(Diversity().compute(zoo.Drawn(0.5 * x), data), 4)
        0.5
    """

    most: int = 1_000

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Ratio of mean distances."""
        fake, real = equally_many(drawn.conformations, data.test, self.most)
        return float(_mean_distance(fake) / _mean_distance(real))


def _mean_distance(x: Tensor) -> Tensor:
    """Mean distance of all pairs, those of a conformation with itself included.

    They take the same share of either set, both being as large, and leave the ratio.
    """
    features = invariants(x)
    features = features - features.mean(dim=0)  # small numbers, small rounding
    return squared_distances(features, features).fill_diagonal_(0).sqrt().mean()
