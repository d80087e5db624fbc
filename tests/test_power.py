"""Laws of `zoo power`: each metric sees what it is for, and more the worse it gets."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch

import zoo
from zoo.board.power import power_table, render_power, smallest_seen
from zoo.cli import main
from zoo.polymer.canaries import CANARIES
from zoo.polymer.chain import Chain
from zoo.registry import installed
from zoo.registry.factories import load

MUST_RISE = {
    "expanded": {
        *("rg_w1", "rg_ks", "rg_mean_error", "rg_std_error", "ree_w1", "bond_w1", "contact_w1"),
        *(
            "energy_w1",
            "form_factor",
            "internal_scaling",
            "contact_map",
            "c2st",
            "sliced_w1",
            "mmd",
        ),
        "rg_mean",
    },
    "blurred": {"bond_w1", "energy_w1", "contact_w1", "c2st"},
    "truncated": {"rg_w1", "rg_ks", "rg_mean_error", "ree_w1", "sliced_w1", "mmd", "rg_mean"},
}
MUST_FALL = {"expanded": {"coverage"}, "truncated": {"diversity"}, "copied": {"memorization"}}


@pytest.fixture(scope="module")
def values() -> dict[str, dict[str, list[float]]]:
    """Every metric at no, medium and full strength of every canary, on the same truth."""
    chain = Chain()
    x = chain.sample(16_000, torch.Generator().manual_seed(0))
    data = zoo.Data(x[:4_000], x[4_000:8_000], chain.energy, chain.log_prob)
    found: dict[str, dict[str, list[float]]] = {}
    for canary in CANARIES:
        medium, full = canary.strengths[2], canary.strengths[-1]
        sets = [x[8_000:12_000]]
        for strength in (medium, full):
            torch.manual_seed(1)
            spoilt = canary.spoil(x[8_000:], data.train, 4_000, strength)
            sets.append(spoilt[torch.randperm(4_000)])
        for listing in installed().of("metric"):
            if not listing.spec.model_needs:
                metric = load(listing)()
                own = found.setdefault(canary.name, {})
                own[listing.label] = [metric.compute(zoo.Drawn(one), data) for one in sets]
    return found


@pytest.mark.parametrize("canary", sorted(MUST_RISE))
def test_defects_raise_the_metrics_that_are_for_them(
    canary: str, values: dict[str, dict[str, list[float]]]
) -> None:
    """Full strength scores worst in every metric that ought to see the defect."""
    for metric in MUST_RISE[canary]:
        none, medium, full = values[canary][metric]
        assert max(none, medium) < full, metric


@pytest.mark.parametrize("canary", sorted(MUST_FALL))
def test_defects_lower_the_metrics_that_are_for_them(
    canary: str, values: dict[str, dict[str, list[float]]]
) -> None:
    """Missing modes, lost spread and copies lower coverage, diversity and novelty."""
    for metric in MUST_FALL[canary]:
        none, medium, full = values[canary][metric]
        assert full < medium < none, metric


def test_what_single_coordinates_cannot_see(values: dict[str, dict[str, list[float]]]) -> None:
    """Angles do not feel an expansion, and copies are perfect but for the memorization."""
    none, _, full = values["expanded"]["angle_w1"]
    assert full == pytest.approx(none, abs=1e-3)
    copied = values["copied"]
    assert copied["memorization"][2] < 0.3 < copied["memorization"][0]
    assert copied["rg_w1"][2] < 0.1


def record(detected: list[list[float]]) -> dict[str, Any]:
    """A canary of three strengths with made-up values of one metric."""
    return {
        "canary": "expanded",
        "meaning": "relative expansion",
        "strengths": [0.01, 0.02, 0.05],
        "values": {"m": detected},
    }


def test_a_defect_is_seen_where_the_values_leave_the_band() -> None:
    """Four of five values outside, above or below, are enough; three are not."""
    floors = {"m": {"mean": 0.5, "low": 0.0, "high": 1.0}}
    inside, three = [0.5] * 5, [2.0, 2.0, -2.0, 0.5, 0.5]
    four = [2.0, 2.0, -2.0, -2.0, 0.5]
    frame = power_table(["m"], [record([inside, three, four])], floors)
    assert frame["detected"].tolist() == [0.0, 0.6, 0.8]
    assert smallest_seen(frame).loc["m", "expanded"] == 0.05


def test_a_lucky_weak_defect_does_not_count() -> None:
    """The smallest strength is the one from which on all stronger ones are seen."""
    floors = {"m": {"mean": 0.5, "low": 0.0, "high": 1.0}}
    frame = power_table(["m"], [record([[2.0], [0.5], [2.0]])], floors)
    assert smallest_seen(frame).loc["m", "expanded"] == 0.05
    blind = power_table(["m"], [record([[0.5], [0.5], [0.5]])], floors)
    assert smallest_seen(blind)["expanded"].isna().all()
    assert "–" in render_power(blind, "table")


def test_a_metric_that_fails_is_left_out() -> None:
    """No floor or no value: nothing can be said of it."""
    assert power_table(["m"], [record([[1.0], [1.0], [1.0]])], {}).empty
    floors = {"m": {"mean": 0.5, "low": 0.0, "high": 1.0}}
    assert power_table(["m"], [record([[], [], []])], floors).empty


def test_the_command_prints_every_metric(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """`zoo power` on small sets: a line for every metric that needs no model, a column a canary."""
    from dataclasses import replace

    from zoo.harness import settings

    small = replace(settings.PRESETS["quick"], draws=200, floor_repeats=4, power_repeats=2)
    monkeypatch.setitem(settings.PRESETS, "quick", small)
    dataset = "bead-spring[beads=4,n_train=200,n_test=200]"
    words = ["power", "--preset", "quick", "--dataset", dataset, "--out", str(tmp_path)]
    assert main([*words, "--format", "csv"]) == 0
    text = capsys.readouterr().out
    lines = [line.split(",") for line in text.splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0])
    assert set(frame["canary"]) == {canary.name for canary in CANARIES}
    assert {"rg_w1", "memorization", "c2st"} <= set(frame["metric"])
    assert "kl" not in set(frame["metric"])
    assert frame["detected"].astype(float).between(0, 1).all()
