"""Estimates with their errors, intervals, and which lines cannot be told apart.

A line's scores form a table: a row for each seed (a training of its own, with draws of its own),
a column for each test set. Column 0 is the dataset's test set, which gives the value that is
shown; the others are replicas of it, which tell how much that value owes to the test set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


Indices = npt.NDArray[np.intp]


class Interval(NamedTuple):
    """An estimate with its 95% interval; the bounds are NaN where there is none."""

    value: float
    low: float
    high: float


class Estimate(NamedTuple):
    """Means, and half the widths of their 95% intervals, NaN where there is none."""

    mean: Array
    half_width: Array


LOWEST = 1.959_963
"""A little less than what Student's quantile is at least."""

LEAST = 0.9
"""Least width of an interval, in units of Student's over seeds; see benchmarks/coverage.py."""


@dataclass(frozen=True)
class Scores:
    """One metric of several lines with the same seeds.

    Args:
        table: Scores, shape (lines, seeds, 1 + replicas); see above for the columns. Without
            replicas nothing is known of the test set's part in the error.
        draw_noise: Variance of the first seed's score over sets of draws, shape (lines,); used
            where there is one seed only. NaN where unknown.
        draw_groups: Groups of draws that this variance comes from.
    """

    table: Array
    draw_noise: Array
    draw_groups: int = 5

    def estimate(self) -> Estimate:
        """Mean over seeds of the shown value, and its interval over seeds, draws and test sets.

        What is estimated is the expectation over trainings, draws and test sets of the board's
        sizes. A score is a seed's part (training and draws), a test set's part and a rest: a
        crossed random-effects model. The variance of the mean of column 0 over K seeds is
        (seed + rest) / K + test. The spread of seeds within a column gives the first two; the
        spread of the replicas' means gives test + rest / K, of which the latter is taken off.
        Degrees of freedom follow Satterthwaite; since he is too hopeful where few seeds decide,
        no interval is narrower than `LEAST` of Student's over seeds alone.

        Reference:
            Searle, Casella & McCulloch, Variance Components (1992), section 4.3;
            Satterthwaite, Biometrics Bulletin 2 (1946), 110.

        Example:
            >>> rows = np.array([[[1.0], [2.0], [3.0]]])
            >>> found = Scores(rows, np.array([math.nan])).estimate()
            >>> found.mean, (found.mean + found.half_width).round(3)
            (array([2.]), array([4.484]))
        """
        seed, test, rest = self._squares
        return Estimate(self.mean, self._half_width(seed + self._draws, test, rest))

    def better(self, rows: slice, others: Indices) -> npt.NDArray[np.bool_]:
        """Whether others are lower than lines beyond doubt, shape (rows, others).

        Paired: of two lines, scores are subtracted seed by seed and test set by test set, and
        the 95% interval of the difference is looked at.
        """
        seed, test, rest = (
            np.maximum(squares[rows, None] + squares[others] - 2 * part[rows] @ part[others].T, 0.0)
            for part, squares in zip(self._parts, self._squares, strict=True)
        )
        seed += self._draws[rows, None] + self._draws[others]
        gap = self.mean[rows, None] - self.mean[others]
        error = np.sqrt(seed + np.maximum(test - rest, 0.0))
        # Quantiles take long, and most pairs are decided whatever theirs is.
        found: npt.NDArray[np.bool_] = gap > self._most * error
        at = np.nonzero(~found & (gap > LOWEST * error))
        found[at] = gap[at] > self._half_width(seed[at], test[at], rest[at])
        return found

    @cached_property
    def reach(self) -> Array:
        """What is below a line by more than both reaches is better beyond doubt; shape (lines,)."""
        seed, test, _ = self._squares
        return self._most * np.sqrt(seed + self._draws + test)

    @cached_property
    def _most(self) -> float:
        """What Student's quantile is at most, over all pairs of lines."""
        columns = self.table.shape[2]
        return float(_quantile(np.array(min(self._seed_freedom, max(1, columns - 2))))) * (1 + 1e-9)

    @property
    def _seed_freedom(self) -> int:
        seeds = self.table.shape[1]
        return seeds - 1 if seeds > 1 else max(1, self.draw_groups - 1)

    @cached_property
    def mean(self) -> Array:
        """Mean over seeds of column 0, shape (lines,)."""
        found: Array = self.table[:, :, 0].mean(axis=1)
        return found

    @cached_property
    def _parts(self) -> tuple[Array, Array, Array]:
        """Vectors per line whose squared lengths are the variances; those of differences too."""
        lines, seeds, columns = self.table.shape
        means = self.table.mean(axis=1, keepdims=True)
        centred = self.table - means
        seed = centred / math.sqrt(max(1, seeds - 1) * columns * seeds)
        if columns == 1:
            return seed.reshape(lines, -1), np.zeros((lines, 0)), np.zeros((lines, 0))
        # Replicas only: were the shown test set among them, a far one would excuse itself.
        free = max(1, columns - 2)
        test = means[:, 0, 1:] - means[:, :, 1:].mean(axis=2)
        rest = centred[:, :, 1:] - centred[:, :, 1:].mean(axis=2, keepdims=True)
        return (
            seed.reshape(lines, -1),
            test / math.sqrt(free),
            rest.reshape(lines, -1) / math.sqrt(max(1, seeds - 1) * free * seeds),
        )

    @cached_property
    def _squares(self) -> tuple[Array, Array, Array]:
        """Squared lengths of those vectors, each of shape (lines,)."""
        seed, test, rest = (np.einsum("ij,ij->i", part, part) for part in self._parts)
        return seed, test, rest

    @cached_property
    def _draws(self) -> Array:
        """The variance that seeds would have shown, were there more than one."""
        return self.draw_noise if self.table.shape[1] == 1 else np.zeros(len(self.table))

    def _half_width(self, seed: Array, test: Array, rest: Array) -> Array:
        """Half of a 95% interval from the three variances."""
        columns, seed_freedom = self.table.shape[2], self._seed_freedom
        test = np.maximum(test - rest, 0.0)
        total = seed + test
        spread = seed**2 / seed_freedom + test**2 / max(1, columns - 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            freedom = np.where(spread > 0, total**2 / spread, seed_freedom)
        least = LEAST * _quantile(np.array(seed_freedom)) * np.sqrt(seed)
        return np.maximum(_quantile(freedom) * np.sqrt(total), least)


@cache
def _quantiles() -> tuple[Array, Array]:
    """Student's 97.5% quantile over one divided by the degrees of freedom, from 0 to 1."""
    from scipy.special import stdtrit  # alone; scipy.stats takes a second to import

    inverse = np.linspace(0.0, 1.0, 1_001)
    return inverse, np.append(1.959964, stdtrit(1 / inverse[1:], 0.975))


def _quantile(freedom: Array) -> Array:
    """Student's 97.5% quantile, to four digits; NaN for NaN."""
    found: Array = np.interp(1 / freedom, *_quantiles())
    return found


def jackknife_variance(values: Sequence[float]) -> float:
    """Variance of a statistic from its values with each of g groups left out.

    Args:
        values: At least two; what the statistic becomes without each group.

    Reference:
        Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 11.5.

    Example:
        >>> x = [1.0, 2.0, 6.0]  # for a mean, groups of one give the textbook's s²/n
        >>> left = [(sum(x) - one) / 2 for one in x]
        >>> round(jackknife_variance(left), 4) == round(float(np.var(x, ddof=1)) / 3, 4)
        True
    """
    x = np.asarray(values, dtype=float)
    return float((len(x) - 1) * x.var())


def ranks(scores: Scores, *, at_once: int = 500_000) -> npt.NDArray[np.int64]:
    """Rank lines of which the lower is the better, by how many are better beyond doubt.

    A line's rank is one more than the number of lines that are better beyond doubt (see
    `Scores.better`), and no less than that of any line with a better mean: noise earns no rank.
    Lines between which there is no such difference share one, unless a third line comes
    between them. Comparisons are not corrected for their number.

    Args:
        scores: The lines, all with the same seeds.
        at_once: Pairs looked at at a time, which bounds the memory.

    Returns:
        Ranks from 1, shape (lines,), in the order given.

    Example:
        >>> table = np.array([[[5.0], [5.1], [5.2]], [[1.0], [1.1], [1.3]], [[1.1], [1.0], [1.2]]])
        >>> ranks(Scores(table, np.full(3, math.nan)))
        array([3, 1, 1])
    """
    order = np.argsort(scores.mean, kind="stable")
    ordered = Scores(scores.table[order], scores.draw_noise[order], scores.draw_groups)
    lines = len(order)
    rows = max(1, at_once // max(1, lines))
    beaten_by = np.zeros(lines, dtype=np.int64)
    for start in range(0, lines, rows):  # whatever is better comes before
        here = slice(start, min(start + rows, lines))
        highest, lowest = ordered.mean + ordered.reach, ordered.mean - ordered.reach
        near = np.flatnonzero(~(highest[: here.stop] < lowest[here].min()))  # so is what is NaN
        beaten_by[here] = here.stop - len(near) + ordered.better(here, near).sum(axis=1)
    found = np.empty(lines, dtype=np.int64)
    found[order] = np.maximum.accumulate(beaten_by + 1)
    return found


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
    return Interval((x[(n - 1) // 2] + x[n // 2]) / 2, x[skip], x[n - 1 - skip])
