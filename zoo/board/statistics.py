"""Means and medians with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """An estimate with its 95% interval; the bounds are NaN where there is none."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean of independent values and Student's 95% interval of it.

    Args:
        values: At least one; a single value has no interval.

    Reference:
        Student, "The probable error of a mean", Biometrika 6 (1908).

    Example:
        >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0])]
        [2.0, -0.484, 4.484]
    """
    x = np.asarray(values, dtype=float)
    mean = float(x.mean())
    if len(x) < 2:
        return Interval(mean, math.nan, math.nan)
    from scipy.special import stdtrit  # the quantile alone; scipy.stats takes a second to import

    half = float(stdtrit(len(x) - 1, 0.975)) * float(x.std(ddof=1)) / math.sqrt(len(x))
    return Interval(mean, mean - half, mean + half)


def median_interval(values: Sequence[float]) -> Interval:
    """Median and its distribution-free 95% interval from order statistics.

    With fewer than six values no two of them bound the median with 95% confidence; the
    smallest and the largest then stand for the interval.

    Args:
        values: At least one.

    Reference:
        Conover, Practical Nonparametric Statistics, 3rd ed. (1999), section 3.2.

    Example:
        >>> median_interval([5.0, 1.0, 3.0, 2.0, 4.0, 6.0, 7.0, 8.0, 9.0])
        Interval(value=5.0, low=2.0, high=8.0)
    """
    x = sorted(values)
    n = len(x)
    outside, below = 0, 0.0  # how many values may be left out on each side
    while (below := below + math.comb(n, outside) / 2**n) <= 0.025:
        outside += 1
    skip = max(0, outside - 1)
    return Interval(float(np.median(x)), x[skip], x[n - 1 - skip])
