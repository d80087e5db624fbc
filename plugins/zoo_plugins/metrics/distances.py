"""Distances between two samples of one number."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def wasserstein1(a: Tensor, b: Tensor) -> float:
    """Wasserstein-1 distance: the mean distance that mass must travel from `a` to `b`.

    On the line it is the area between the two empirical distribution functions, exact for
    samples of unequal sizes.

    Args:
        a: First sample, any shape.
        b: Second sample, any shape, in the unit of `a`.

    Returns:
        The distance, in the unit of `a`; NaN where either sample holds NaN.

    Reference:
        Vallender, Theory of Probability and its Applications 18 (1974), 784,
        doi:10.1137/1118101.

    Example:
        >>> wasserstein1(torch.tensor([0.0, 1.0, 3.0]), torch.tensor([5.0, 6.0, 8.0]))
        5.0
    """
    if a.numel() == b.numel():  # in order, each goes to its own: the common case, and far quicker
        first, second = (np.sort(x.detach().flatten().cpu().numpy()) for x in (a, b))
        return float(np.abs(first - second).mean(dtype=np.float64))
    values, gap = _distribution_gap(a, b)
    return float((gap[:-1].abs() * values.diff()).sum())


def kolmogorov_smirnov(a: Tensor, b: Tensor) -> float:
    """Kolmogorov-Smirnov statistic: the largest gap between the two distribution functions.

    Args:
        a: First sample, any shape.
        b: Second sample, any shape, in the unit of `a`.

    Returns:
        The statistic, in [0, 1]; NaN where either sample holds NaN.

    Reference:
        Hodges, Arkiv för Matematik 3 (1958), 469, doi:10.1007/BF02589501.

    Example:
        >>> kolmogorov_smirnov(torch.tensor([0.0, 1.0]), torch.tensor([0.5, 2.0]))
        0.5
    """
    values, gap = _distribution_gap(a, b)
    if values.isnan().any():
        return math.nan
    last = torch.cat([values.diff() > 0, torch.tensor([True])])  # of equal values, after the last
    return float(gap[last].abs().max())


def _distribution_gap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """All values in order, and F_a − F_b just after each."""
    a, b = a.flatten(), b.flatten()
    values, order = torch.cat([a, b]).sort()
    # Whole numbers add up without error: equal samples have no distance at all.
    steps = torch.where(order < len(a), len(b), -len(a))
    return values.double(), steps.cumsum(0).double() / (len(a) * len(b))
