"""Laws of the rounds: who is asked, when a time is known, which batch is best."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from zoo.harness.rounds import Series, best_batch, half_width, take_rounds


class Bench:
    """A make-believe machine: time passes only while something is measured."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self.all: list[Series] = []

    def series(
        self, name: str, seconds: Iterator[float | None], least: int, most: int, **more: Any
    ) -> Series:
        """A series that gives these seconds in turn, one second of the machine each."""
        cost = more.pop("cost", 1.0)

        def measure() -> float | None:
            self.order.append(name)
            self.now += cost
            return next(seconds)

        self.all.append(Series(measure, least, most, **more))
        return self.all[-1]

    def take(self, deadline: float = math.inf) -> str:
        """All rounds; the names asked, in order."""
        take_rounds(self.all, deadline, lambda: self.now)
        return "".join(self.order)


def test_rounds_go_in_turn_and_end_when_all_times_are_known() -> None:
    """Each round asks all once in the same order; steady times need no more than the least."""
    bench = Bench()
    for name in "abc":
        bench.series(name, itertools.repeat(1.0), 3, 12)
    assert bench.take() == "abcabcabc"


def test_only_wide_times_are_asked_again_and_the_gauge_with_them() -> None:
    """One value of 5 too high keeps a series going until the interval can leave it out.

    Nine values are the fewest of which the interval leaves out the largest and the smallest.
    """
    bench = Bench()
    gauge = bench.series("k", itertools.repeat(1.0), 5, 20, gauge=True)
    wide = bench.series("w", itertools.chain([1.5], itertools.repeat(1.0)), 5, 20)
    still = bench.series("s", itertools.repeat(1.0), 5, 20)
    assert bench.take() == "kws" * 5 + "kw" * 4
    assert (len(gauge.seconds), len(wide.seconds), len(still.seconds)) == (9, 9, 5)
    assert wide.tight


def test_a_time_that_stays_wide_ends_at_the_most_rounds() -> None:
    """Hopeless noise is not measured for ever, and is not called tight."""
    bench = Bench()
    wide = bench.series("w", itertools.cycle([1.0, 2.0]), 3, 7)
    assert bench.take() == "w" * 7
    assert not wide.tight


def test_past_the_deadline_only_the_least_is_owed() -> None:
    """What costs more than its share is out for good, while something cheaper goes on."""
    bench = Bench()
    bench.series("x", itertools.cycle([1.0, 2.0]), 2, 8, cost=4.0)
    bench.series("y", itertools.cycle([1.0, 2.0]), 2, 8, cost=1.0)
    # Least rounds end at 10. A twentieth of what is left pays for x up to the round at 30.
    assert bench.take(deadline=110.0) == "xy" * 7 + "y"
    late = Bench()
    late.series("x", itertools.cycle([1.0, 2.0]), 2, 8)
    late.series("y", itertools.cycle([1.0, 2.0]), 7, 28)
    assert late.take(deadline=-1.0) == "xyxyy"  # two are all x wants, three all that y gets


def test_a_series_that_fails_is_asked_no_more() -> None:
    """The others go on as if it had never been there."""
    bench = Bench()
    failed = bench.series("f", iter([1.0, None]), 4, 8)
    bench.series("g", itertools.repeat(1.0), 4, 8)
    assert bench.take() == "fgfggg"
    assert failed.seconds == [1.0]


@pytest.mark.parametrize("n", [2, 5, 6, 7, 9, 15, 28, 60])
def test_the_width_is_that_of_the_order_statistics(n: int) -> None:
    """The largest number of values the binomial distribution allows is left out at each end."""
    values = np.random.default_rng(n).lognormal(size=n)
    skip = max((k for k in range(n) if binom.cdf(k, n, 0.5) <= 0.025), default=0)
    x = np.sort(values)
    expected = (x[n - 1 - skip] - x[skip]) / 2 / np.median(x)
    assert half_width(values.tolist()) == pytest.approx(expected)
    assert half_width([1.0]) == math.inf


def taken(table: dict[int, float | None], seen: list[int]) -> Callable[[int], float | None]:
    """Seconds per call from a table, noting what was asked for."""

    def measure(n: int) -> float | None:
        seen.append(n)
        return table[n]

    return measure


@pytest.mark.parametrize(
    ("table", "limit", "peak", "best", "tried"),
    [
        ({250: 0.01, 4_000: 0.04, 16_000: 0.4}, 1.0, None, 4_000, [250, 4_000, 16_000]),
        ({250: 0.001, 4_000: 0.08, 16_000: 0.4}, 1.0, None, 250, [250, 4_000, 16_000]),
        ({250: 0.01, 4_000: 0.08, 16_000: 0.4}, 0.05, None, 1_000, [250]),
        ({250: 0.01, 4_000: 0.04}, 0.15, None, 4_000, [250, 4_000]),
        ({250: None, 4_000: None}, 1.0, None, 1_000, [250, 4_000]),
        ({250: 0.01, 4_000: 0.04}, 1.0, 200.0, 4_000, [250, 4_000]),
    ],
)  # fmt: skip
def test_the_best_batch_has_the_highest_throughput(
    table: dict[int, float | None], limit: float, peak: float | None, best: int, tried: list[int]
) -> None:
    """Sizes that would take too long, too much memory, or that failed before are not tried.

    The board's batch of 1,000 takes 0.02 s throughout.
    """
    seen: list[int] = []
    assert best_batch(taken(table, seen), 1_000, 0.02, limit, peak) == best
    assert seen == tried
