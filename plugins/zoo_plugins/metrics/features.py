"""What a conformation looks like to a metric: numbers that no symmetry of the truth changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.polymer import pair_distances


def mirrored_pairs(beads: int) -> Tensor:
    """Where each pair of beads goes when the order of the beads is reversed.

    Args:
        beads: Number of beads.

    Returns:
        Indices into the pairs of `zoo.polymer.pair_distances`, shape (beads·(beads − 1)/2,): its
        distances of `x.flip(1)` are those of `x` at these places.

    Example:
        >>> mirrored_pairs(3).tolist()  # (0, 1) and (1, 2) change places, (0, 2) stays
        [2, 1, 0]
    """
    i, j = torch.triu_indices(beads, beads, offset=1)
    place = torch.zeros(beads, beads, dtype=torch.long)
    place[i, j] = torch.arange(len(i))
    return place[beads - 1 - j, beads - 1 - i]


def symmetrize(values: Tensor, beads: int) -> Tensor:
    """Make one number per pair of beads the same for either order of the beads.

    Each pair and its mirror image give their mean and half their absolute difference. What is
    lost is only which end of the chain the larger of the two lies at.

    Args:
        values: Any numbers, shape (n, beads·(beads − 1)/2), in the order of
            `zoo.polymer.pair_distances`.
        beads: Number of beads.

    Returns:
        Means, then half differences, of the same shape and unit: pairs that are their own
        mirror image have a mean alone.

    Example:
        >>> symmetrize(torch.tensor([[1.0, 7.0, 4.0]]), beads=3).tolist()
        [[2.5, 7.0, 1.5]]
    """
    mirror = mirrored_pairs(beads).to(values.device)
    here = torch.arange(len(mirror), device=values.device)
    one, two = values[:, here <= mirror], values[:, mirror[here <= mirror]]
    differ = (here < mirror)[here <= mirror]
    return torch.cat([(one + two) / 2, (one - two)[:, differ].abs() / 2], dim=1)


def invariants(x: Tensor) -> Tensor:
    """The pair distances of conformations, the same for either order of the beads.

    Rotations, reflections and shifts change no distance to begin with.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        As many numbers as pairs, shape (n, beads·(beads − 1)/2), in σ.

    Example:
        >>> x = torch.arange(24.0).view(1, 12, 2) ** 2
        >>> bool((invariants(x.flip(1)) == invariants(x)).all())
        True
    """
    return symmetrize(pair_distances(x), x.shape[1])


def equally_many(drawn: Tensor, test: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The first conformations of two sets, as many of either; NaN anywhere marks them all.

    A metric that looks at a part must not pass a set whose rest has failed.

    Args:
        drawn: Conformations, shape (n, beads, dim), in σ.
        test: Conformations, shape (m, beads, dim), in σ.
        most: How many of either, at most.

    Returns:
        min(n, m, most) of each.

    Example:
        >>> x = torch.zeros(3, 2, 2)
        >>> x[2, 0, 0] = math.nan
        >>> first, _ = equally_many(x, torch.zeros(5, 2, 2), most=2)
        >>> bool(first.isnan().all())
        True
    """
    count = min(len(drawn), len(test), most)
    spoil = math.nan if drawn.isnan().any() else 0.0
    return drawn[:count] + spoil, test[:count]


def standardize(drawn: Tensor, test: Tensor, *, cut: float = math.inf) -> tuple[Tensor, Tensor]:
    """Shift and scale two sets of features alike, so that each feature of the test set is (0, 1).

    Args:
        drawn: Features, shape (n, features).
        test: Features, shape (m, features).
        cut: Where values are cut on either side, in standard deviations: one exploded
            conformation must not decide what is done with all others.

    Returns:
        Both in standard deviations of the test set. A feature that is constant there keeps its
        unit.

    Example:
        >>> drawn, test = standardize(torch.tensor([[9.0]]), torch.tensor([[1.0], [3.0], [5.0]]))
        >>> drawn.tolist(), test.tolist()
        ([[3.0]], [[-1.0], [0.0], [1.0]])
    """
    mean, spread = test.mean(dim=0), test.std(dim=0)
    spread = torch.where(spread > 0, spread, 1.0)
    return ((drawn - mean) / spread).clamp(-cut, cut), ((test - mean) / spread).clamp(-cut, cut)


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances of all rows of one set to all of another, by matrix products.

    Args:
        a: Features, shape (n, features).
        b: Features, shape (m, features).

    Returns:
        Squared distances, shape (n, m), in the squared unit of the features; those below a
        millionth of the squared features are rounding.

    Example:
        >>> squared_distances(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[25.,  1.]])
    """
    lengths = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)
    return torch.addmm(lengths, a, b.mT, alpha=-2).clamp_(min=0)
