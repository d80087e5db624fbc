"""Laws of the watch: warm before it counts, and it counts what a call takes."""

from __future__ import annotations

import itertools

import pytest
import torch

from zoo.harness.clock import attendant, peak_memory, seconds_per_call, warm_up
from zoo.harness.clocked import Kernel


def test_warm_up_ends_when_two_windows_agree() -> None:
    """Windows hold calls of at least their length; their medians are compared in a row."""
    calls = iter([3.0, 1.0, 1.2, 0.9, 1.0, 0.99, 1.01, 50.0])
    # Windows of 3 s: (9), (3), (1, 1.2, 0.9), (1, 0.99, 1.01); the last two differ by 0.
    assert warm_up(lambda: next(calls), first=9.0, window=3.0, most=99.0) == 1.0
    assert next(calls) == 50.0


def test_warm_up_ends_at_its_limit() -> None:
    """Windows that never agree cost no more than what was allowed, and one window."""
    calls = itertools.cycle([2.0, 1.0])
    made: list[float] = []

    def measure() -> float:
        made.append(next(calls))
        return made[-1]

    warm_up(measure, first=1.0, window=1.0, most=10.0)
    assert 10.0 <= sum(made) + 1.0 <= 12.0


def test_the_rise_of_memory_is_what_a_call_needs() -> None:
    """40 MB written and freed are seen as such, every time, whatever was held before."""
    held = torch.ones(5_000_000)

    def call() -> float:
        return float(torch.ones(10_000_000).sum()) + float(held[0])

    for _ in range(3):
        result, peak = peak_memory(call, "cpu")
        assert result == pytest.approx(1e7, rel=1e-3)
        if peak is None:
            pytest.skip("this system does not tell the peak of the resident set")
        assert peak == pytest.approx(40.0, rel=0.1)


def test_the_stopwatch_calls_as_often_as_it_says() -> None:
    """The time of a call is that of all calls over their number."""
    calls: list[int] = []
    assert seconds_per_call(lambda: calls.append(1), "cpu", repeats=5) > 0
    assert len(calls) == 5


def test_the_kernel_is_the_same_whatever_the_batch() -> None:
    """Its time is a yardstick: asking for another batch asks for the same work."""
    answer = attendant(Kernel("cpu", 1, 0.001))
    for n in (1, 1_000):
        assert answer({"do": "warm", "n": n})["seconds"] > 0
        assert answer({"do": "time", "n": n})["seconds"] > 0
