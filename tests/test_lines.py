"""Laws of a line: which rows it is made of, its intervals, and what it lacks."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t

from tests.test_leaderboard import row, seeds
from zoo.board.leaderboard import leaderboard


def test_the_interval_covers_seeds_and_test_sets() -> None:
    """Equal seeds leave the spread between test sets, which Student's quantile widens."""
    others = [0.1 + 0.01 * sign for sign in (-1, 1) * 4]
    rows = [row("a", seed, 0.1, replicates={"rg_w1": others}) for seed in range(3)]
    line = leaderboard(rows).iloc[0]
    half = t.ppf(0.975, 7) * 0.01 * math.sqrt(8 / 7)
    assert line["rg_w1_high"] - line["rg_w1"] == pytest.approx(half, rel=1e-3)


def test_one_seed_has_the_interval_of_its_draws() -> None:
    """With a single seed the draws left out in turn stand for the spread between seeds."""
    left_out = [0.1, 0.1, 0.1, 0.1, 0.15]  # jackknife variance 4 · 0.02²
    line = leaderboard([row("a", 0, 0.11, without={"rg_w1": left_out})]).iloc[0]
    half = t.ppf(0.975, 4) * 2 * 0.02
    assert line["rg_w1_high"] - line["rg_w1"] == pytest.approx(half, rel=1e-3)


def test_no_interval_goes_beyond_the_best_value() -> None:
    """A distance is not negative, so neither is the lower bound; other metrics are not cut."""
    meaning = {"rg_w1": {"best": 0.0, "lower_is_better": True, "unit": "std"}}
    rows = [row("a", seed, value) for seed, value in enumerate([0.0, 0.2, 0.1])]
    assert leaderboard(rows)["rg_w1_low"][0] < 0
    assert leaderboard([one | {"metrics": meaning} for one in rows])["rg_w1_low"][0] == 0


def test_values_of_seeds_are_kept_in_words() -> None:
    """The CSV holds every seed's value, for others to pair; a dash stands for a missing one."""
    rows = [row("a", 0, 0.125), row("a", 1, 0.25), row("a", 2, None)]
    assert leaderboard(rows)["rg_w1_seeds"][0] == "0.125 0.25 -"


def test_what_a_good_line_lacks_is_said() -> None:
    """A metric or a clock that failed leaves its reason on the line, which keeps its rank."""
    found = row("a", 0, 0.1, faults={"contact_w1": "ValueError: the value is inf"})
    found["times"] = {"cpu": {"reason": "no answer in 5 s"}}
    line = leaderboard([found]).iloc[0]
    assert line["rank"] == 1
    reason = "no contact_w1: ValueError: the value is inf; no cpu time: no answer in 5 s"
    assert line["reason"] == reason


def test_seeds_of_other_code_are_not_averaged() -> None:
    """After a plugin has changed, its old seeds say nothing of the new code."""
    old = [row("a", seed, 0.9) for seed in range(3)]
    new = row("a", 0, 0.1, measured="2026-01-02T00:00:00+00:00")
    new["made_by"] = new["made_by"] | {"model": new["made_by"]["model"] | {"version": "0.2"}}
    frame = leaderboard([*old, new])
    assert frame["rg_w1"].tolist() == [0.1]
    assert frame["seeds"].tolist() == [1]


def test_other_budgets_are_other_lines() -> None:
    """Numbers from different budgets are never averaged."""
    quick = row("a", 0, 0.9)
    quick["settings"] = quick["settings"] | {"preset": "quick"}
    assert len(leaderboard([row("a", 0, 0.1), quick])) == 2


def test_a_replicate_that_is_no_number_costs_its_part_of_the_interval() -> None:
    """Replicas with NaN in them say nothing; the seeds still do."""
    rows = [one | {"replicates": {"rg_w1": [0.1, math.nan]}} for one in seeds("a", 0.1)]
    assert leaderboard(rows)["rg_w1_high"][0] == leaderboard(seeds("a", 0.1))["rg_w1_high"][0]
