"""The rules of timing: who is asked in a round, when a time is known, which batch is best.

Nothing here starts a process or looks at a clock of its own: what measures is handed in.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TIGHT = 0.03
"""Half the 95% interval of the median, over the median, at which a time is known."""

MOST = 4
"""A time that stays wide is asked for in at most this many times the least rounds."""

FEW = 3
"""Rounds that are taken in any case, however slow a busy machine makes them."""

SHARE = 20
"""A further round of a time may cost one part in this many of the time that is left."""

STEP = 4
"""Between one batch size that is tried and the next."""

LARGEST = 16
"""Largest batch that is tried, in units of the board's batch."""

MOST_MB = 2_000.0
"""Memory beyond which no larger batch is tried: a child that is killed has no times at all."""


@dataclass
class Series:
    """One thing timed at one batch size, round by round.

    Args:
        measure: Gives seconds per call of one round, or `None` if it failed.
        least: Rounds in which it is asked, as long as there is time.
        most: Rounds after which it is asked no more; with `least` it has a fixed number.
        gauge: Whether it is asked as long as any other is, to tell of the machine.
        seconds: What it has given.
        cost: Wall time of the last asking, in s.
        ended: Whether it failed, or became too dear for the time that was left.
    """

    measure: Callable[[], float | None]
    least: int
    most: int
    gauge: bool = False
    seconds: list[float] = field(default_factory=list)
    cost: float = 0.0
    ended: bool = False

    @property
    def tight(self) -> bool:
        """Whether the median is known well enough."""
        return half_width(self.seconds) <= TIGHT

    def ask(self, clock: Callable[[], float]) -> None:
        """Measure once."""
        start = clock()
        seconds = self.measure()
        self.cost = clock() - start
        if seconds is None:
            self.ended = True
        else:
            self.seconds.append(seconds)


def half_width(seconds: Sequence[float]) -> float:
    """Half the distribution-free 95% interval of the median, over the median.

    With fewer than six values the smallest and the largest stand for the interval.

    Args:
        seconds: Positive values; infinity is returned where there are fewer than two.

    Reference:
        Conover, Practical Nonparametric Statistics, 3rd ed. (1999), section 3.2.

    Example:
        >>> half_width([8.0, 8.0, 7.0, 8.0, 9.0, 8.0, 8.0])
        0.125
    """
    x = sorted(seconds)
    n = len(x)
    if n < 2:
        return math.inf
    skip, tail = 0, 1  # `tail` of 2^n equally likely sides leave the median outside
    while 40 * (tail := tail + math.comb(n, skip + 1)) <= 2**n:
        skip += 1
    return (x[n - 1 - skip] - x[skip]) / 2 / statistics.median(x)


def take_rounds(
    series: Sequence[Series],
    deadline: float,
    clock: Callable[[], float],
    tell: Callable[[int], None] = lambda _: None,
) -> None:
    """Ask all series in turn, round by round, until their times are known or time is up.

    Args:
        series: What is asked, in this order. It fills their `seconds`.
        deadline: Reading of `clock` after which only `FEW` rounds are owed to anybody.
        clock: Gives the time in s.
        tell: Takes the number of rounds done.
    """
    number = 0
    while asked := pick(series, number, deadline - clock()):
        for one in asked:
            one.ask(clock)
        number += 1
        tell(number)


def pick(series: Sequence[Series], number: int, left: float) -> list[Series]:
    """Who is asked in a round.

    What is left goes to the cheap ones, which many more rounds can make sure of: a series that
    costs more than its share is out for good. So the rounds of each are the first ones, and its
    n-th value was taken beside the gauge's n-th.

    Args:
        series: All there are.
        number: Rounds before this one.
        left: Seconds left for rounds beyond the least.

    Returns:
        Those to ask, in the order given; none if only gauges are left.
    """
    asked = []
    for one in series:
        if one.ended:
            continue
        if one.gauge or number < (one.least if left > 0 else min(FEW, one.least)):
            asked.append(one)
        elif number < one.most and not one.tight:
            if one.cost * SHARE > left:
                one.ended = True
            else:
                left -= one.cost
                asked.append(one)
    return asked if any(not one.gauge for one in asked) else []


def best_batch(
    measure: Callable[[int], float | None],
    batch: int,
    seconds: float,
    limit: float,
    peak_mb: float | None = None,
) -> int:
    """The batch size of the highest throughput, among a few.

    A quarter of the board's batch is tried, then larger ones by factors of `STEP` as long as
    the next call may be expected to stay within the limits.

    Args:
        measure: Gives seconds of one call at a batch size, or `None` if it failed.
        batch: The board's batch.
        seconds: Of one call at that size.
        limit: Seconds that one call may last.
        peak_mb: Memory of one call at the board's batch, in MB, if known.

    Returns:
        The best of the sizes tried, the board's batch included.

    Example:
        >>> best_batch(lambda n: 0.01 + 1e-5 * n, 1_000, 0.02, limit=0.1)
        4000
    """
    rates = {batch: batch / seconds}
    smaller = batch // STEP
    if smaller and (quick := measure(smaller)) is not None:
        rates[smaller] = smaller / quick
    n, last = batch * STEP, seconds
    while n <= LARGEST * batch and last * STEP <= limit:
        if peak_mb is not None and peak_mb * n / batch > MOST_MB:
            break
        if (taken := measure(n)) is None:
            break
        rates[n] = n / taken
        n, last = n * STEP, taken
    return max(rates, key=lambda size: rates[size])
