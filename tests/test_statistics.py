"""Laws of estimates, intervals and ranks: they keep what they promise, by simulation."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from zoo.board.statistics import Scores, median_interval, ranks

Array = npt.NDArray[np.float64]
UNKNOWN = math.nan


def simulate(
    lines: int, seeds: int, spread: tuple[float, float, float], mean: float = 1.0, seed: int = 0
) -> Scores:
    """Lines whose scores are a mean, a seed's part, a test set's part and a rest, all normal.

    The first column's test set is the one shown; every line has test sets of its own.
    """
    generator = np.random.default_rng(seed)
    own, test, rest = (
        size * generator.normal(size=shape)
        for size, shape in zip(
            spread, [(lines, seeds, 1), (lines, 1, 9), (lines, seeds, 9)], strict=True
        )
    )
    return Scores(mean + own + test + rest, np.full(lines, UNKNOWN))


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_without_replicas_the_interval_is_students(seeds: int) -> None:
    """With one column only seeds vary, and SciPy's t distribution gives the same interval."""
    x = np.random.default_rng(seeds).normal(size=seeds)
    found = Scores(x[None, :, None], np.array([UNKNOWN])).estimate()
    low, high = stats.t.interval(0.95, seeds - 1, loc=x.mean(), scale=stats.sem(x))
    assert found.mean[0] == pytest.approx(x.mean())
    assert found.half_width[0] == pytest.approx((high - low) / 2, rel=1e-3)


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize(
    "spread",
    [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 1.0, 0.2), (1.0, 0.5, 0.2), (1.0, 0.2, 0.1)],
)
def test_intervals_cover_what_they_should(seeds: int, spread: tuple[float, float, float]) -> None:
    """Of 10,000 simulated lines 93 to 97% have the true mean in their 95% interval.

    However the spread is shared among seeds, test sets and the rest.
    """
    found = simulate(10_000, seeds, spread).estimate()
    covered = np.abs(found.mean - 1.0) <= found.half_width
    assert 0.93 <= covered.mean() <= 0.97


def test_seeds_alone_would_not_cover() -> None:
    """Student's interval over seeds forgets that all seeds share one test set."""
    scores = simulate(10_000, 3, (0.3, 1.0, 0.1))
    found = Scores(scores.table[:, :, :1], scores.draw_noise).estimate()
    assert (np.abs(found.mean - 1.0) <= found.half_width).mean() < 0.6


def test_one_seed_is_as_sure_as_its_draws() -> None:
    """With one seed there are the draws, from the jackknife, and the test set, from replicas."""
    test = np.array([1.0, *(1.0 + 0.1 * sign for sign in (-1, 1) * 4)])
    draws = Scores(np.ones((1, 1, 9)), np.array([0.3**2]), draw_groups=5).estimate()
    assert draws.half_width[0] == pytest.approx(stats.t.ppf(0.975, 4) * 0.3, rel=1e-3)
    tests = Scores(test[None, None], np.array([0.0])).estimate()
    assert tests.half_width[0] == pytest.approx(
        stats.t.ppf(0.975, 7) * 0.1 * (8 / 7) ** 0.5, rel=1e-3
    )
    both = Scores(test[None, None], np.array([0.3**2])).estimate()
    assert both.half_width[0] > math.hypot(0.9 * draws.half_width[0], 0.9 * tests.half_width[0])


def brute_force_better(a: Array, b: Array) -> bool:
    """Whether `a` is lower than `b`: the interval of the difference, computed as one line."""
    found = Scores((b - a)[None], np.array([UNKNOWN])).estimate()
    return bool(found.mean[0] > found.half_width[0])


def test_pairs_are_compared_as_differences() -> None:
    """Matrix products find what the difference of each pair, treated as a line, would say."""
    scores = simulate(40, 3, (0.2, 0.3, 0.1), seed=3)
    shared = np.random.default_rng(4).normal(size=(1, 1, 9))  # a test set hard for all alike
    scores = Scores(scores.table + shared, scores.draw_noise)
    found = scores.better(slice(10, 20), np.arange(40))
    for i in range(10, 20):
        for j in range(40):
            assert found[i - 10, j] == brute_force_better(scores.table[j], scores.table[i])
    assert found.any()
    assert not found.all()


def test_no_shortcut_changes_a_rank() -> None:
    """Lines far apart and near, with noise of all sizes: ranks count what single pairs say."""
    chance = np.random.default_rng(9)
    for seeds, columns in ((3, 9), (2, 1), (1, 9), (1, 1)):
        means = chance.choice([0.0, 1.0, 1.2, 30.0], size=(60, 1, 1))
        width = 10.0 ** chance.uniform(-3, 1, size=(60, 1, 1))
        table = means + width * chance.normal(size=(60, seeds, columns))
        noise = chance.choice([0.0, 0.1, 4.0, UNKNOWN], size=60)
        scores = Scores(table, noise, draw_groups=5)
        better = np.array(
            [[_is_better(scores, other, line) for other in range(60)] for line in range(60)]
        )
        order = np.argsort(scores.mean, kind="stable")
        expected = np.maximum.accumulate(1 + better.sum(axis=1)[order])
        for at_once in (60, 7 * 60, 500_000):
            assert ranks(scores, at_once=at_once)[order].tolist() == expected.tolist()


def _is_better(scores: Scores, other: int, line: int) -> bool:
    """Whether one line is lower than another, from the interval of their difference as a line."""
    noise = scores.draw_noise[[other]] + scores.draw_noise[[line]]
    gap = scores.table[[line]] - scores.table[[other]]
    found = Scores(gap, noise, scores.draw_groups).estimate()
    return bool(found.mean[0] > found.half_width[0])


def test_what_a_test_set_does_to_all_tells_nobody_apart_nor_together() -> None:
    """A shift of a whole column moves every line and no difference."""
    scores = simulate(30, 3, (0.3, 0.1, 0.1), seed=5)
    shifted = Scores(scores.table + 10 * np.arange(9.0), scores.draw_noise)
    assert ranks(scores).tolist() == ranks(shifted).tolist()


def test_equal_lines_are_told_apart_as_seldom_as_promised() -> None:
    """Of pairs with the same expectation one way or the other 5% at most differ in rank."""
    a, b = (simulate(4_000, 3, (0.5, 0.0, 0.1), seed=seed).table for seed in (6, 7))
    test = np.random.default_rng(8).normal(size=(4_000, 1, 9))
    told = [
        ranks(Scores(np.stack([x + t, y + t]), np.full(2, UNKNOWN))).max() > 1
        for x, y, t in zip(a, b, test, strict=True)
    ]
    assert 0.03 <= np.mean(told) <= 0.07


def test_ranks_count_who_is_better_beyond_doubt() -> None:
    """Two tight groups and a noisy line: shared ranks, and noise ranks after better means."""
    tight = np.array([[1.00, 1.02, 1.01], [1.01, 1.03, 0.99], [2.00, 2.03, 1.99], [2.02, 2, 2.01]])
    noisy = np.array([[0.1, 9.0, 0.2]])
    table = np.concatenate([noisy, tight])[:, :, None]
    assert ranks(Scores(table, np.full(5, UNKNOWN))).tolist() == [3, 1, 1, 3, 3]


def test_blocks_do_not_matter() -> None:
    """However few pairs are looked at at a time, ranks are the same."""
    scores = simulate(50, 3, (0.3, 0.2, 0.1), seed=9)
    table = scores.table + np.linspace(0, 5, 50)[:, None, None]
    whole = ranks(Scores(table, scores.draw_noise))
    assert ranks(Scores(table, scores.draw_noise), at_once=1).tolist() == whole.tolist()
    assert len(set(whole.tolist())) > 3


def test_no_lines_have_no_ranks() -> None:
    """An empty board is an empty list."""
    assert ranks(Scores(np.zeros((0, 3, 9)), np.zeros(0))).tolist() == []


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
