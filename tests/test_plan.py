"""Laws of a plan: what `--all` means, and which metrics a line has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import Install
from tests.test_leaderboard import seeds
from tests.test_run import TINY
from zoo.board.leaderboard import leaderboard
from zoo.board.tables import render
from zoo.errors import UsageError
from zoo.harness.plan import Entry, Plan, make_plan
from zoo.registry import Registry, installed

MENU = """
    import zoo

    @zoo.hookimpl
    def zoo_models():
        for name, slow in (("hare", False), ("snail", True)):
            yield zoo.ModelSpec(api=1, name=name, factory="zoo_menu:nothing", summary="",
                                offers={"draw", "log_prob"}, slow=slow)

    @zoo.hookimpl
    def zoo_metrics():
        for name, asked in (("plain", set()), ("held", {"test_log_prob"}), ("own", {"log_prob"})):
            yield zoo.MetricSpec(api=1, name=name, factory="zoo_menu:nothing", summary="",
                                 unit="", best=0.0, lower_is_better=True, model_needs=asked)

    @zoo.hookimpl
    def zoo_samplers():
        for name, exact in (("follows", True), ("wanders", False)):
            yield zoo.SamplerSpec(api=1, name=name, factory="zoo_menu:nothing", summary="",
                                  needs={"draw"}, exact=exact)

    def nothing():
        pass
"""
OWN = {"plain", "held", "own"}


@pytest.fixture
def registry(install: Install) -> Registry:
    """What is installed, and a menu of models and metrics that nobody builds."""
    install("zoo-menu", MENU)
    return installed()


def names(plan: Plan) -> set[str]:
    """The models of a plan."""
    return {model.label for model in plan.models}


def test_slow_models_are_left_out_unless_named(registry: Registry) -> None:
    """`--all` means them with the preset `full` only, and says so; their name always does."""
    plan = make_plan(registry, None, None, "bead-spring", TINY)
    assert "hare" in names(plan)
    assert "snail" not in names(plan)
    assert "snail is slow: name it, or give --preset full" in plan.left_out
    full = make_plan(registry, None, None, "bead-spring", replace(TINY, preset="full"))
    assert {"hare", "snail"} <= names(full)
    assert not any("slow" in sentence for sentence in full.left_out)
    named = make_plan(registry, ["snail"], None, "bead-spring", TINY)
    assert names(named) == {"snail"}
    assert named.left_out == ()


def test_a_slow_model_that_does_not_fit_is_not_called_slow(registry: Registry) -> None:
    """It could not be run by its name either, so the reason is the other one."""
    plan = make_plan(registry, None, ["ode"], "bead-spring", TINY)
    (sentence,) = (one for one in plan.left_out if one.startswith("snail"))
    assert "which no chosen sampler takes" in sentence
    with pytest.raises(UsageError, match="no chosen sampler"):
        make_plan(registry, ["snail"], ["ode"], "bead-spring", TINY)


@pytest.mark.parametrize(
    ("model", "sampler", "expected"),
    [
        ("hare", "follows", {"plain", "held", "own"}),
        ("hare", "wanders", {"plain", "held"}),
        ("truth", "follows", {"plain"}),
    ],
)
def test_a_line_has_the_metrics_that_mean_something(
    registry: Registry, model: str, sampler: str, expected: set[str]
) -> None:
    """The density of draws only where these follow it; that of test conformations everywhere."""
    plan = make_plan(registry, [model], [sampler], "bead-spring", TINY)
    (entry,) = plan.entries
    assert {metric.label for metric in plan.metrics_of(entry)} & OWN == expected
    words = {"held": "test_log_prob", "own": "log_prob"}
    assert plan.densities_of(entry) == {words[name] for name in expected - {"plain"}}


def test_first_party_samplers_say_which_draws_follow_the_density(registry: Registry) -> None:
    """One pass and the probability-flow ODE; noise or a coarse rule leads elsewhere."""
    exact = {listing.label for listing in registry.of("sampler") if listing.spec.exact}
    assert exact == {"direct", "ode", "follows"}
    plan = make_plan(registry, ["score-sde"], None, "bead-spring", TINY)
    weighed = {
        entry.sampler.label
        for entry in plan.entries
        if any(metric.label == "weight_ess" for metric in plan.metrics_of(entry))
    }
    assert weighed == {"ode"}
    assert all(is_held_out(plan, entry) for entry in plan.entries)


def is_held_out(plan: Plan, entry: Entry) -> bool:
    """Whether a line has both metrics of test conformations."""
    return {"test_nll", "kl"} <= {metric.label for metric in plan.metrics_of(entry)}


def test_what_was_left_out_stands_below_the_board() -> None:
    """In text for people, escaped where that is Markdown; nowhere else."""
    board = leaderboard(seeds("vae", 0.1))
    sentence = "a<b is slow: name it, or give --preset full"
    assert f"Left out of --all: {sentence}." in render(board, "table", [sentence])
    assert "a&lt;b is slow" in render(board, "md", [sentence])
    assert "slow" not in render(board, "csv", [sentence])
    assert "Left out" not in render(board, "table")
