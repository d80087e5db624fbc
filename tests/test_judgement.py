"""Laws of judging one figure: distance to the floor, seed by seed; time in units of a kernel."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.test_compare import CPU, MARGIN, board, line, reason, verdicts
from zoo.board.compare import compare, exit_status


def test_swapping_the_files_swaps_better_and_worse() -> None:
    """What is BETTER one way is WORSE the other way; and what is WORSE one way is never so both."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        shift = rng.choice([0.0, 0.02, 0.1])
        a, b = (line(seeds=tuple(0.1 + s + 0.03 * rng.random(3))) for s in (0.0, shift))
        there, back = verdicts(board(a), board(b)), verdicts(board(b), board(a))
        for measure, verdict in there.items():
            if verdict == "BETTER":
                assert back[measure] == "WORSE"
            if verdict == "WORSE":
                assert back[measure] in ("BETTER", "UNSURE")
            if verdict == "SAME":
                assert back[measure] == "SAME"
        seen.add(there["rg_w1"])
    assert seen == {"WORSE", "SAME", "UNSURE"}


@pytest.mark.parametrize("seeds", [(0.03, 0.031, 5.0), (0.5, 2.0, 9.0), (0.2, 0.9, 0.3)])
def test_a_collapse_is_worse_however_much_its_seeds_differ(seeds: tuple[float, ...]) -> None:
    """Three wild seeds have an interval that holds 0; beside a steady BASE that is no excuse."""
    base = board(line(seeds=(0.03, 0.031, 0.029)))
    cells = compare(base, board(line(seeds=seeds)))
    assert cells["verdict"].iloc[0] == "WORSE"
    assert exit_status(cells) == 1


def test_the_interval_is_that_of_the_paired_t_test() -> None:
    """Above the band, change and interval are scipy's for the mean of paired differences."""
    rng = np.random.default_rng(1)
    old, new = (tuple(np.round(0.2 + 0.05 * rng.random(5), 5)) for _ in range(2))
    cell = compare(board(line(seeds=old)), board(line(seeds=new))).iloc[0]
    expected = stats.ttest_rel(new, old).confidence_interval()
    assert (cell["low"], cell["high"]) == pytest.approx((expected.low, expected.high), rel=1e-4)
    assert cell["change"] == pytest.approx(np.mean(new) - np.mean(old), rel=1e-4)
    assert cell["margin"] == pytest.approx(MARGIN)


def test_seeds_that_agree_tell_more_than_their_means() -> None:
    """The same two sets of values are WORSE seed by seed, and UNSURE in another order."""
    old, new = (0.1, 0.2, 0.3), (0.13, 0.23, 0.33)
    mixed = (0.33, 0.13, 0.23)
    assert verdicts(board(line(seeds=old)), board(line(seeds=new)))["rg_w1"] == "WORSE"
    assert verdicts(board(line(seeds=old)), board(line(seeds=mixed)))["rg_w1"] == "UNSURE"


def test_the_floor_is_where_distance_begins() -> None:
    """Values within the band are the same; a metric whose floor is 1 gets worse both ways."""
    inside = board(line(seeds=(0.011, 0.012, 0.013))), board(line(seeds=(0.038, 0.039, 0.037)))
    assert verdicts(*inside)["rg_w1"] == "SAME"
    around = {"rg_w1_floor": 1.0, "rg_w1_floor_low": 0.98, "rg_w1_floor_high": 1.02}
    truth = board(line(seeds=(0.99, 1.0, 1.01)) | around)
    for centre in (0.5, 1.5):
        off = board(line(seeds=(centre - 0.01, centre, centre + 0.01)) | around)
        assert verdicts(truth, off)["rg_w1"] == "WORSE"
        assert verdicts(off, truth)["rg_w1"] == "BETTER"
    other_side = board(line(seeds=(1.51, 1.5, 1.49)) | around)
    assert verdicts(board(line(seeds=(0.49, 0.5, 0.51)) | around), other_side)["rg_w1"] == "SAME"


def test_one_seed_says_what_its_interval_leaves_out() -> None:
    """Half-widths add in quadrature: 0.014 about the change, beyond which it is WORSE."""
    base = board(line(seeds=(0.1,)))
    cell = compare(base, board(line(seeds=(0.2,)))).iloc[0]
    assert cell["verdict"] == "WORSE"
    assert cell["high"] - cell["change"] == pytest.approx(math.hypot(0.01, 0.01))
    assert "noise of sampling only" in cell["reason"]
    unknown, other = (line(seeds=(x,)) | {"rg_w1_high": math.nan} for x in (0.1, 0.2))
    assert verdicts(board(unknown), board(other))["rg_w1"] == "UNSURE"


@pytest.mark.parametrize("column", ["cpu", "cores", "gpu", "torch", "timing_threads"])
def test_times_of_another_machine_are_unsure(column: str) -> None:
    """A machine that differs in anything is named, and its times neither pass nor fail."""
    other = line(cpu_us_per_sample=900.0, cpu_us_low=890.0, cpu_us_high=910.0) | {column: "9"}
    assert verdicts(board(line()), board(other))["cpu time"] == "UNSURE"
    assert f"{column} is" in reason(board(line()), board(other), "cpu time")
    assert exit_status(compare(board(line()), board(other))) == 0


def test_times_are_counted_in_the_reference_kernel() -> None:
    """Twice the time is WORSE, half is BETTER, 5% more is SAME; a slow kernel takes it back."""

    def timed(factor: float, kernel: float = 50.0) -> pd.DataFrame:
        times = {name: CPU[name] * factor for name in CPU}
        return board(line() | times | {"cpu_kernel_us": kernel})

    found = {factor: verdicts(timed(1), timed(factor))["cpu time"] for factor in (2, 0.5, 1.05)}
    assert found == {2: "WORSE", 0.5: "BETTER", 1.05: "SAME"}
    assert exit_status(compare(timed(1), timed(2))) == 1
    assert verdicts(timed(1), timed(1.13, kernel=54.5))["cpu time"] == "SAME"
    assert verdicts(timed(1), timed(1.13))["cpu time"] == "WORSE"
    assert verdicts(timed(1), timed(2, kernel=100.0))["cpu time"] == "UNSURE"
    assert "reference kernel took" in reason(timed(1), timed(2, kernel=100.0), "cpu time")
    assert verdicts(timed(1), timed(2, kernel=math.nan))["cpu time"] == "UNSURE"


@pytest.mark.parametrize("word", ["unstable", "busy", "uneven"])
def test_a_clock_in_doubt_fails_nothing(word: str) -> None:
    """Twice the time is UNSURE where the clock of either side had something to say."""
    twice = {name: CPU[name] * 2 for name in CPU if name != "cpu_kernel_us"}
    base, head = line(cpu_clock=""), line(cpu_clock=word) | twice
    assert verdicts(board(base), board(head | {"cpu_clock": ""}))["cpu time"] == "WORSE"
    assert verdicts(board(base), board(head))["cpu time"] == "UNSURE"
    assert f"the clock was {word}" in reason(board(base), board(head), "cpu time")


def test_times_whose_intervals_meet_are_the_same() -> None:
    """A ratio beyond 1.1 is no news while the intervals overlap."""
    wide = {"cpu_us_low": 80.0, "cpu_us_high": 130.0}
    base, head = line() | wide, line(cpu_us_per_sample=125.0, cpu_us_low=90.0, cpu_us_high=150.0)
    assert verdicts(board(base), board(head))["cpu time"] == "SAME"
