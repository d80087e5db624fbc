"""Laws of names: a request means one thing, and its label asks for the same thing again."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zoo.errors import UsageError
from zoo.registry import Choice, Listing, Plugin, Registry, discover, fits, usable
from zoo.specs import DatasetSpec, MetricSpec, ModelSpec, SamplerSpec

if TYPE_CHECKING:
    from tests.conftest import Install

SAMPLERS = """
import zoo

@zoo.hookimpl
def zoo_samplers():
    for name in NAMES:
        yield zoo.SamplerSpec(api=1, name=name, factory="x:Y", summary="", needs=set())
"""


def registry_of(*names: str, plugins: tuple[Plugin, ...] = ()) -> Registry:
    """A registry of first-party samplers."""
    plugin = Plugin("polymer-zoo", "polymer-zoo", "1", "catalog")
    listings = [
        Listing(SamplerSpec(api=1, name=name, factory="x:Y", summary="", needs=set()), plugin, name)
        for name in names
    ]
    return Registry((plugin, *plugins), tuple(listings))


def refusal(registry: Registry, text: str, kind: str = "sampler") -> str:
    """The message for a request that means nothing."""
    with pytest.raises(UsageError) as caught:
        registry.find(kind, text)
    return str(caught.value)


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    """The message says what was asked, what is near, and what is installed."""
    registry = registry_of("ode", "ddim", "ancestral")
    assert refusal(registry, "ddmi[steps=3]") == (
        "no sampler named 'ddmi'. Did you mean 'ddim'? Installed: ancestral, ddim, ode."
    )
    assert refusal(registry, "ddimm", "model") == "no model named 'ddimm'. Installed: none."
    assert refusal(registry, "ddim", "model") == "no model named 'ddim': that is a sampler."
    assert "Write my.py:Class" in refusal(registry, "my.py", "model")
    assert "no sampler named 'other/ddim'. Did you mean 'ddim'?" in refusal(registry, "other/ddim")


def test_strangers_share_a_name_but_not_its_short_form(install: Install) -> None:
    """With two of a name only the qualified ones mean anything, and labels are written so."""
    install("zoo-one", SAMPLERS.replace("NAMES", '["leap", "only-one"]'))
    install("zoo-two", SAMPLERS.replace("NAMES", '["leap"]'))
    registry = discover()
    assert refusal(registry, "leap").startswith(
        "sampler 'leap' may be zoo-one/leap and zoo-two/leap."
    )
    assert registry.find("sampler", "Zoo_Two/leap").label == "zoo-two/leap"
    assert registry.find("sampler", "zoo-one/only-one[k=1]").label == "only-one[k=1]"
    for listing in registry.of("sampler"):
        assert registry.find("sampler", listing.label).listing == listing
        assert registry.find("sampler", listing.qualified).listing == listing


def test_a_broken_plugin_speaks_for_itself(install: Install) -> None:
    """Asking for a plugin that failed shows its failure, by distribution or entry point."""
    entry = "[zoo.plugins]\nbroken-entry = zoo_broken\n"
    install("zoo-broken", "import nowhere_at_all", version="0.3", entry_points=entry)
    registry = discover()
    for text in ("zoo-broken/leap", "Zoo_Broken", "broken-entry", "broken_entry[steps=3]"):
        message = refusal(registry, text)
        assert "plugin 'broken-entry' (zoo-broken 0.3) is quarantined: importing" in message
        assert "No module named 'nowhere_at_all'. Repair or uninstall zoo-broken" in message
        assert "see `zoo plugins show broken-entry`" in message
    assert "Quarantined: plugin 'broken-entry' (zoo-broken 0.3): importing" in refusal(
        registry, "unheard-of"
    )


def test_a_blocked_plugin_is_not_called_broken(install: Install) -> None:
    """What the user left out is said to be left out, and only when it is asked for."""
    install("zoo-one", SAMPLERS.replace("NAMES", '["leap"]'))
    registry = discover(blocked=["zoo-one"])
    assert "is blocked: it is on the list" in refusal(registry, "zoo-one/leap")
    assert "zoo-one" not in refusal(registry, "unheard-of")


def test_choices_are_compared_by_what_they_say() -> None:
    """Order of options makes no difference, type of a value does, and lists can be keys."""
    registry = registry_of("ode")

    def ode(options: str) -> Choice:
        return registry.find("sampler", f"ode[{options}]")

    assert ode("a=1,b=[x,y]") == ode("b = ['x', \"y\"], a = 1")
    assert len({ode("a=1"), ode("a=1.0"), ode("a=True"), ode("a=[1]"), ode("a=(1,)")}) == 5
    assert ode("") == Choice(registry.listings[0])
    assert ode("a=1") != ode("a=True")
    assert ode("a=1") != "ode[a=1]"


def test_a_choice_travels(install: Install) -> None:
    """A choice survives pickling, also where the plugin yields plain sets and mutable options."""
    install("zoo-one", SAMPLERS.replace("NAMES", '["leap"]'))
    choice = discover().find("sampler", "leap[sizes=[1,2]]")
    assert pickle.loads(pickle.dumps(choice)) == choice  # noqa: S301 - our own bytes
    assert choice.listing in {choice.listing}


def test_entries_follow_from_specs() -> None:
    """A sampler fits where all it needs is offered; a dataset serves whom it offers enough."""
    both = ModelSpec(
        api=1, name="a", factory="x:Y", summary="", offers={"draw", "log_prob"}, needs={"energy"}
    )
    for needs, fit in [
        (set(), True),
        ({"draw"}, True),
        ({"path"}, False),
        ({"draw", "path"}, False),
    ]:
        sampler = SamplerSpec(api=1, name="s", factory="x:Y", summary="", needs=needs)
        assert fits(both, sampler) is fit
    metric = MetricSpec(
        api=1, name="m", factory="x:Y", summary="", unit="", best=0.0, lower_is_better=True
    )
    for offers, serves in [({"energy", "fresh"}, True), ({"fresh"}, False), (set(), False)]:
        data = DatasetSpec(
            api=1, name="d", factory="x:Y", summary="", offers=offers, source="", license=""
        )
        assert usable(both, data) is serves
        assert usable(metric, data)


def test_a_file_is_a_model_only(tmp_path: Path) -> None:
    """Other kinds come from packages alone."""
    assert "no sampler named" in refusal(registry_of(), f"{tmp_path}/x.py:Ode")
