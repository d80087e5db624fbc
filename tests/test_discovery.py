"""Laws of discovery: every plugin stands for itself, and a name means one thing."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zoo.registry import Plugin, Registry, discover

if TYPE_CHECKING:
    from tests.conftest import Install

GOOD = """
import zoo

@zoo.hookimpl
def zoo_models():
    yield zoo.ModelSpec(api=1, name="NAME", factory="x:Y", summary="good", offers={"draw"})
"""

ONE_MODEL = """
import zoo

@zoo.hookimpl
def zoo_models():
    yield zoo.ModelSpec(**{"api": 1, "name": "bad", "factory": "x:Y", "summary": "bad",
                           "offers": {"draw"}} | dict(CHANGE))
"""

VILLAINS = {
    "fails to import": (
        "import nowhere_at_all",
        "importing zoo_villain failed: ModuleNotFoundError",
    ),
    "is no python": ("def", "importing zoo_villain failed: SyntaxError"),
    "ends the process": ("import sys; sys.exit(3)", "importing zoo_villain failed: SystemExit: 3"),
    "ends the process at once": (
        "import os; os._exit(0)",
        "importing zoo_villain failed: SystemExit: os._exit(0) was called",
    ),
    "ends the process half-way": (
        GOOD + "    import os; os._exit(0)",
        "zoo_models failed: SystemExit: os._exit(0) was called",
    ),
    "has no hook": ("x = 1", "none of the hooks"),
    "misspells a hook": (
        GOOD.replace("zoo_models", "zoo_model"),
        "hook 'zoo_model', which does not exist. Did you mean 'zoo_models'?",
    ),
    "forgets the marker": (GOOD.replace("@zoo.hookimpl", ""), "zoo_models is not marked"),
    "wants arguments": (GOOD.replace("zoo_models()", "zoo_models(registry)"), "registry"),
    "raises half-way": (
        GOOD + "    raise RuntimeError('tired')",
        "zoo_models failed: RuntimeError: tired",
    ),
    "exits half-way": (GOOD + "    raise SystemExit", "zoo_models failed: SystemExit"),
    "repeats for ever": (GOOD.replace("yield", "while True: yield"), "yields two models"),
    "is not iterable": (
        "import zoo\n@zoo.hookimpl\ndef zoo_models(): return 5",
        "zoo_models returned a int; expected it to yield zoo.ModelSpec",
    ),
    "forgets to yield": (
        "import zoo\n@zoo.hookimpl\ndef zoo_models(): pass",
        "zoo_models returned None",
    ),
    "returns nonsense": (
        "import zoo\n@zoo.hookimpl\ndef zoo_models(): return 'gauss'",
        "yielded a str; expected zoo.ModelSpec",
    ),
    "yields another kind": (GOOD.replace("zoo_models", "zoo_samplers"), "expected zoo.SamplerSpec"),
    "hides in a module's getattr": ("def __getattr__(name): raise OSError('boo')", "OSError: boo"),
    "is of another API": (
        ONE_MODEL.replace("CHANGE", "api=2"),
        "was written for API 2; this zoo has 1",
    ),
    "calls True an API": (ONE_MODEL.replace("CHANGE", "api=True"), "API True"),
    "climbs folders": (ONE_MODEL.replace("CHANGE", "name='../x'"), "calls a model '../x'"),
    "has a long name": (ONE_MODEL.replace("CHANGE", "name=41 * 'a'"), "a name is"),
    "has no factory": (
        ONE_MODEL.replace("CHANGE", "factory='x.Y'"),
        'expected "package.module:Name"',
    ),
    "has a file for a factory": (
        ONE_MODEL.replace("CHANGE", "factory='x.py:Y'"),
        "factory='x.py:Y'",
    ),
    "has a lambda for a factory": (
        ONE_MODEL.replace("CHANGE", "factory=lambda s: s"),
        "another process",
    ),
    "offers unknown things": (
        ONE_MODEL.replace("CHANGE", "offers={'magic', 'draw'}"),
        "has offers magic; there are only draw, log_prob, path",
    ),
    "offers letters": (ONE_MODEL.replace("CHANGE", "offers='draw'"), "expected a set of words"),
    "needs the truth": (ONE_MODEL.replace("CHANGE", "needs={'fresh'}"), "only a reference"),
    "writes two lines": (ONE_MODEL.replace("CHANGE", "summary='a\\nb'"), "one line of text"),
}


def plugin(registry: Registry, distribution: str) -> Plugin:
    """The only plugin of a distribution."""
    (found,) = [it for it in registry.plugins if it.distribution == distribution]
    return found


def names(registry: Registry, kind: str = "model") -> list[str]:
    """Qualified names of the scratch plugins' listings."""
    return [it.qualified for it in registry.of(kind) if it.plugin.distribution.startswith("zoo-")]


@pytest.mark.parametrize("villain", VILLAINS)
def test_a_broken_plugin_is_quarantined_alone(install: Install, villain: str) -> None:
    """Whatever is wrong with one plugin is its own sentence; its neighbours keep working."""
    code, sentence = VILLAINS[villain]
    install("zoo-aaa", GOOD.replace("NAME", "first"))
    install("zoo-villain", code.replace("NAME", "bad"), version="0.3")
    install("zoo-zzz", GOOD.replace("NAME", "last"))
    registry = discover()
    found = plugin(registry, "zoo-villain")
    assert (found.status, found.version) == ("quarantined", "0.3")
    assert sentence in found.reason
    assert "\n" not in found.reason
    assert names(registry) == ["zoo-aaa/first", "zoo-zzz/last"]


def test_the_traceback_of_a_failure_is_kept(install: Install) -> None:
    """The reason is a sentence; where it happened can still be read."""
    path = install("zoo-villain", "def f():\n    return 1 / 0\nf()")
    found = plugin(discover(), "zoo-villain")
    assert f'"{path}", line 2, in f' in found.traceback
    assert "ZeroDivisionError" in found.reason


def test_an_interrupt_is_no_fault_of_the_plugin(install: Install) -> None:
    """Ctrl-C while a plugin is imported stops the zoo, not the plugin."""
    install("zoo-villain", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover()


def test_entry_points_are_read_with_suspicion(install: Install) -> None:
    """Names that are paths, targets that are no modules, and unreadable files are quarantined."""
    install("zoo-path", entry_points="[zoo.plugins]\n../../etc/x = zoo_path\n")
    install("zoo-target", entry_points="[zoo.plugins]\ntarget = zoo target:x\n")
    install("zoo-garbage", entry_points="[zoo.plugins]\nno equals sign\n")
    install("zoo-good", GOOD.replace("NAME", "good"))
    registry = discover()
    for name, sentence in [
        ("zoo-path", "'../../etc/x'"),
        ("zoo-target", "'zoo target:x'"),
        ("zoo-garbage", "entry points cannot be read"),
    ]:
        assert plugin(registry, name).status == "quarantined"
        assert sentence in plugin(registry, name).reason
    assert names(registry) == ["zoo-good/good"]


def test_nobody_takes_a_first_party_name(install: Install) -> None:
    """The zoo's own names stay its own, per kind; the claimant loses all its listings."""
    install("polymer-zoo", GOOD.replace("NAME", "vae"))
    install("zoo-thief", GOOD.replace("NAME", "vae"))
    install(
        "zoo-other-kind",
        GOOD.replace("NAME", "vae")
        .replace("model", "sampler")
        .replace("Model", "Sampler")
        .replace("offers", "needs"),
    )
    registry = discover()
    assert "claims a taken name" in plugin(registry, "zoo-thief").reason
    assert registry.find("model", "vae").listing.plugin.distribution == "polymer-zoo"
    assert registry.find("sampler", "vae").label == "vae"


def test_a_qualified_name_means_one_thing(install: Install) -> None:
    """Two plugins of one distribution cannot yield the same name."""
    install(
        "zoo-twice",
        GOOD.replace("NAME", "twin"),
        entry_points="[zoo.plugins]\none = zoo_twice\ntwo = zoo_twice\n",
    )
    first, second = [it for it in discover().plugins if it.distribution == "zoo-twice"]
    assert (first.status, second.status) == ("ok", "quarantined")
    assert "claims a taken name" in second.reason


def test_a_distribution_is_read_once(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two distributions with equal normalised names the first on the path counts alone."""
    install("zoo-gauss", GOOD.replace("NAME", "new"), version="2.0")
    install("Zoo_Gauss", GOOD.replace("NAME", "old"), version="1.0", folder=tmp_path / "later")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "later")])
    registry = discover()
    assert plugin(registry, "zoo-gauss").version == "2.0"
    assert names(registry) == ["zoo-gauss/new"]


def test_what_an_upgrade_left_behind_is_ignored(install: Install) -> None:
    """Two versions in one folder are one distribution, not two plugins that clash."""
    install("zoo-gauss", version="1.0")
    install("zoo-gauss", GOOD.replace("NAME", "twin"), version="2.0")
    registry = discover()
    assert plugin(registry, "zoo-gauss").status == "ok"
    assert names(registry) == ["zoo-gauss/twin"]


def test_a_newer_version_without_plugins_hides_an_older_one(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imports find the first distribution on the path, so its metadata are the ones that count."""
    install("zoo-gauss", "", version="2.0", entry_points="[console_scripts]\n")
    install("zoo-gauss", GOOD.replace("NAME", "old"), folder=tmp_path / "later")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "later")])
    assert "zoo-gauss" not in {it.distribution for it in discover().plugins}


def test_nothing_is_loaded_from_the_current_directory(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A distribution that merely lies where one stands is no installed one."""
    install("zoo-gauss", GOOD.replace("NAME", "gauss"), folder=tmp_path / "download")
    monkeypatch.chdir(tmp_path / "download")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert "zoo-gauss" not in {it.distribution for it in discover().plugins}


def test_the_order_is_first_party_then_alphabetical(install: Install) -> None:
    """The catalogue's order depends on names alone, not on folders; yield order stays inside."""
    install("zoo-b", GOOD.replace("NAME", "b"))
    install("zoo-a", GOOD.replace("NAME", "a"))
    install("polymer-zoo", GOOD.replace("NAME", "z") + GOOD.splitlines()[-1].replace("NAME", "y"))
    ours = [it for it in discover().of("model") if it.plugin.distribution != "polymer-zoo"]
    assert [it.spec.name for it in discover().of("model")][:2] == ["z", "y"]
    assert [it.qualified for it in ours] == sorted(it.qualified for it in ours)


@pytest.mark.parametrize(
    ("how", "live"),
    [
        ({}, {"zoo-a", "zoo-b"}),
        ({"blocked": ["zoo-a"]}, {"zoo-b"}),
        ({"blocked": ["entry_b"]}, {"zoo-a"}),
        ({"allowed": ["Zoo_A"]}, {"zoo-a"}),
        ({"allowed": []}, set()),
        ({"allowed": ["zoo-a", "zoo-b"], "blocked": ["zoo-b"]}, {"zoo-a"}),
        ({"first_party_only": True}, set()),
    ],
)
def test_what_is_left_out_is_never_imported(
    install: Install, tmp_path: Path, how: dict[str, object], live: set[str]
) -> None:
    """A blocked plugin is listed as such, and its code leaves no trace of having run."""
    for letter in "ab":
        trace = f"import pathlib; pathlib.Path({str(tmp_path / f'zoo-{letter}')!r}).touch()\n"
        entry = f"[zoo.plugins]\nentry_{letter} = zoo_{letter}\n"
        install(f"zoo-{letter}", trace + GOOD.replace("NAME", letter), entry_points=entry)
    registry = discover(**how)  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.glob("zoo-?")} == live
    for name in ("zoo-a", "zoo-b"):
        assert plugin(registry, name).status == ("ok" if name in live else "blocked")


def test_first_party_plugins_need_no_permission(install: Install) -> None:
    """An allow-list is about strangers; the zoo's own plugins leave only when told to by name."""
    install("polymer-zoo", GOOD.replace("NAME", "vae"))
    assert plugin(discover(allowed=["zoo-a"]), "polymer-zoo").status == "ok"
    assert plugin(discover(first_party_only=True), "polymer-zoo").status == "ok"
    assert plugin(discover(blocked=["polymer-zoo"]), "polymer-zoo").status == "blocked"


def test_what_a_plugin_prints_stays_out_of_the_output(install: Install) -> None:
    """Standard output belongs to results; a talkative plugin is heard on standard error."""
    install("zoo-loud", "print('importing')\n" + GOOD.replace("NAME", "a") + "    print('asked')")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        discover()
    assert (out.getvalue(), err.getvalue()) == ("", "importing\nasked\n")


def test_discovery_is_light(install: Install) -> None:
    """Listing imports neither torch nor pandas nor a factory's module."""
    install("zoo-gauss", GOOD.replace("NAME", "feather").replace("x:Y", "zoo_gauss_model:Gauss"))
    code = (
        "import sys; from zoo.registry import discover;"
        "print(discover().find('model', 'feather').label);"
        "print({'torch', 'pandas', 'numpy', 'typeguard', 'zoo.contracts'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "feather\nset()\n"
