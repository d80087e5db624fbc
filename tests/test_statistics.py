"""Laws of means, medians and their intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from zoo.board.statistics import mean_interval, median_interval


@pytest.mark.parametrize("n", [2, 3, 10])
def test_mean_interval_is_students(n: int) -> None:
    """The interval of a mean is the one SciPy's t distribution gives."""
    x = np.random.default_rng(n).normal(size=n)
    expected = stats.t.interval(0.95, n - 1, loc=x.mean(), scale=stats.sem(x))
    found = mean_interval(x.tolist())
    assert found.value == pytest.approx(x.mean())
    assert found[1:] == pytest.approx(expected)


def test_mean_of_one_value_has_no_interval() -> None:
    """One seed says nothing of the spread between seeds."""
    found = mean_interval([3.0])
    assert found.value == 3.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize("n", [6, 9, 25])
def test_median_interval_is_the_tightest_that_covers(n: int) -> None:
    """Order statistics k and n+1-k hold the median with at least 95%, the next pair does not."""
    found = median_interval([float(rank) for rank in range(1, n + 1)])
    k = int(found.low)
    assert found.high == n + 1 - k

    def coverage(k: int) -> float:
        return float(1 - 2 * stats.binom.cdf(k - 1, n, 0.5))

    assert coverage(k) >= 0.95 > coverage(k + 1)


def test_median_of_few_values_spans_them_all() -> None:
    """Below six values nothing narrower than their whole range can be said."""
    assert median_interval([2.0, 1.0, 3.0]) == (2.0, 1.0, 3.0)
