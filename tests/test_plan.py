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
from zoo.harness.plan import Entry, Plan, make_plan, make_plans
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

    def nothing(shape, legs=4, ears=""):
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
    full = make_plan(registry, None, None, "bead-spring", replace(TINY, slow_too=True))
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


def test_a_sweep_plans_what_its_single_names_plan(registry: Registry) -> None:
    """Same lines, same order, each once; so with samplers, and with datasets a plan for each."""
    names = [f"hare[legs={legs},ears='{ears}']" for legs in (2, 4) for ears in ("a|b", "c")]
    swept = ["hare[legs=2|4|2,ears='a|b'|c]", "hare[legs=4,ears=c]"]
    chains = [f"bead-spring[beads={beads}]" for beads in (4, 5)]
    ways = ["wanders", "follows"]
    plans = make_plans(registry, swept, ways, ["bead-spring[beads=4|5]", chains[1]], TINY)
    assert [plan.dataset.label for plan in plans] == chains
    for plan, chain in zip(plans, chains, strict=True):
        single = make_plan(registry, names, ways, chain, TINY)
        assert plan == single
        assert [entry.label for entry in plan.entries] == [
            f"{registry.find('model', name).label} · {way}" for name in names for way in ways
        ]
        for model in plan.models:
            assert plan.entries_of(model) == tuple(e for e in plan.entries if e.model == model)


@pytest.mark.parametrize(
    ("models", "samplers", "dataset", "message"),
    [
        (["vae[latent=2|two]"], None, "bead-spring", "got latent=two (str); expected int"),
        (["ddpm"], ["ddim[steps=5|0.5]"], "bead-spring", "got steps=0.5 (float); expected int"),
        (["vae"], None, "bead-spring[beads=12|1]", "beads is 1; expected"),
        (["vae"], None, "bead-spring[beads=12|24,dim=2|4]", "dim is 4; expected"),
        (["vae[laten=2|3]"], None, "bead-spring", "Did you mean 'latent'?"),
        (["vae"], None, "dmol|bead-spring", "no dataset named 'dmol|bead-spring'"),
    ],
)
def test_one_bad_value_of_a_sweep_is_named(
    models: list[str], samplers: list[str] | None, dataset: str, message: str
) -> None:
    """Nothing is planned, and the message says which option and value will not do."""
    with pytest.raises(UsageError) as caught:
        make_plans(installed(), models, samplers, [dataset], TINY)
    assert message in str(caught.value)


def test_no_dataset_is_refused_and_one_plan_takes_no_sweep(registry: Registry) -> None:
    """What draws from one model on one dataset does not choose among several by itself."""
    with pytest.raises(UsageError, match="no dataset"):
        make_plans(registry, ["hare"], None, [], TINY)
    for model, dataset in (("hare[legs=2|4]", "bead-spring"), ("hare", "bead-spring[beads=4|5]")):
        with pytest.raises(UsageError, match="is a sweep of 2"):
            make_plan(registry, [model], None, dataset, TINY)


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
