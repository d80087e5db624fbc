"""Laws of the time columns: they follow from what the clock saw."""

from __future__ import annotations

import math
from typing import Any

import pytest

from zoo.board.times import break_even, timing


def line(**times: Any) -> list[dict[str, Any]]:
    """Rows of a line with two seeds, of which the first was timed."""
    cpu = {
        "batch_seconds": [0.002, 0.0019, 0.0021],
        "single_seconds": [1e-4, 3e-4, 2e-4],
        "best_seconds": [0.008, 0.004, 0.005],
        "best_batch": 4_000,
        "kernel_seconds": [0.002, 0.002, 0.002, 0.002],
        "exact_seconds": [0.012, 0.012, 0.012],
        "others": 0.01,
        "peak_mb": 7.5,
        "measured": "2026-01-01",
    }
    shared = {"settings": {"batch": 1_000}, "made_by": {"timing_threads": 2}}
    first = shared | {"train_seconds": 10.0, "times": {"cpu": cpu | times}}
    return [first, shared | {"train_seconds": 30.0, "times": {}}]


def test_columns_follow_from_facts() -> None:
    """Every column of a line, by hand, from facts of three rounds."""
    found = timing(line())
    expected = {
        "cpu_us_per_sample": 2.0,
        "cpu_us_low": 1.9,
        "cpu_us_high": 2.1,
        "cpu_latency_us": 200.0,
        "cpu_samples_per_second": 800_000.0,
        "cpu_best_batch": 4_000,
        "cpu_peak_mb": 7.5,
        "cpu_kernel_us": 2_000.0,
        "cpu_relative": 0.001,
        "cpu_relative_low": 0.00095,
        "cpu_relative_high": 0.00105,
        "exact_us_per_sample": 12.0,
        "break_even": 2_000_000.0,  # 20 s of training at 10 µs saved each
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert (found["cpu_clock"], found["cuda_clock"]) == ("", "")
    assert math.isnan(found["cuda_relative"])


def test_a_slower_machine_changes_times_and_not_what_they_are_relative_to_the_kernel() -> None:
    """A machine of half the speed, or one that slows down half-way, moves nothing relative."""
    slower = line(
        batch_seconds=[0.004, 0.0019, 0.0042],
        kernel_seconds=[0.004, 0.002, 0.004, 0.002],
    )
    relative = ("cpu_relative", "cpu_relative_low", "cpu_relative_high")
    a, b = timing(line()), timing(slower)
    assert [a[name] for name in relative] == pytest.approx([b[name] for name in relative])
    assert b["cpu_us_per_sample"] == pytest.approx(2 * a["cpu_us_per_sample"])


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"batch_seconds": [0.002, 0.00175, 0.0022]}, "unstable"),
        ({"batch_seconds": [0.002, 0.00185, 0.0022]}, ""),
        ({"others": 0.11}, "busy"),
        ({"others": None}, ""),
        ({"kernel_seconds": [0.002] * 8 + [0.0024] * 2}, "uneven"),
        ({"kernel_seconds": [0.002] * 18 + [0.009]}, ""),  # one slip of many
        (
            {"batch_seconds": [1.0, 2.0], "others": 1.0, "kernel_seconds": [1.0, 2.0]},
            "unstable busy uneven",
        ),
    ],
)
def test_words_say_what_makes_a_time_doubtful(facts: dict[str, Any], words: str) -> None:
    """Each doubt has its word; what the system does not tell raises none."""
    assert timing(line(**facts))["cpu_clock"] == words


def test_break_even_is_where_the_two_costs_cross() -> None:
    """At that number both ways take the same time; a slower model never gets there."""
    number = break_even(7.0, 2e-6, 9e-6)
    assert 7.0 + number * 2e-6 == pytest.approx(number * 9e-6)
    assert break_even(7.0, 9e-6, 9e-6) == math.inf
    assert math.isnan(break_even(7.0, math.nan, 9e-6))
