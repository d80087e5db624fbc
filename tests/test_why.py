"""Laws of `zoo why`: it names what has changed since a row was made, and nothing else."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import Install
from tests.test_run import TINY, TOY
from zoo.cli import main
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import installed

METRIC = """
    import zoo
    @zoo.hookimpl
    def zoo_metrics():
        yield zoo.MetricSpec(api=1, name="fine", factory="zoo_more:Fine", summary="", unit="",
                             best=0.0, lower_is_better=True)
"""


@pytest.fixture
def results(install: Install, tmp_path: Path) -> Path:
    """A results folder of one model with a density and one without."""
    install("zoo-toy", TOY)
    plan = make_plan(installed(), ["honest", "gaussian"], None, "walks", TINY)
    Run(plan, Store(tmp_path / "out").open(), "cpu", describe(), jobs=2).execute()
    return tmp_path / "out"


@pytest.fixture
def why(results: Path, capsys: pytest.CaptureFixture[str]) -> Why:
    """Asks about a line of these results."""
    return Why(results, capsys)


class Why:
    """Runs the command in this process.

    Args:
        results: The folder it asks about.
        capsys: Catches what it prints.
    """

    def __init__(self, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._results = results
        self._capsys = capsys

    def __call__(self, *names: str) -> tuple[int, list[str]]:
        """Exit status and lines of output."""
        self._capsys.readouterr()
        status = main(["why", *names, "--out", str(self._results)])
        out, err = self._capsys.readouterr()
        return status, (out + err).splitlines()


def test_nothing_has_changed(why: Why, results: Path) -> None:
    """What the same command would find has no reason to be made again, and is only read."""
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    for model in ("honest", "gaussian"):
        status, (line,) = why(model, "direct")
        assert status == 0
        assert line.startswith(f"{model} · direct seed 0 (row ")
        assert line.endswith("): nothing has changed")
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


def test_an_edited_plugin_is_named(why: Why, install: Install) -> None:
    """One byte in the model's source is the one reason to train, not one for each stage."""
    path = install.folder / "zoo_toy.py"
    path.write_text(path.read_text() + "\n# a change\n")
    sys.modules.pop("zoo_toy")
    importlib.invalidate_caches()
    status, (head, *changes) = why("honest", "direct", "0")
    assert status == 1
    found = [line.split(": was")[0].strip() for line in changes]
    assert "train: model source" in found
    assert set(found) == {"data: dataset source", "train: model source", "score: dataset source"}
    assert head.endswith(f"{len(found)} changes")


def test_libraries_and_metrics_are_named(
    why: Why, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another torch concerns all stages, another metric the scores alone."""
    install("zoo-more", METRIC)
    status, (_, *changes) = why("honest", "direct")
    assert status == 1
    assert all(line.startswith("  score: metrics zoo-more/fine ") for line in changes)
    assert any(line.endswith("version: was nothing, is 1.0") for line in changes)
    shutil.rmtree(install.folder / "zoo_more-1.0.dist-info")
    monkeypatch.setattr("zoo.harness.identity.version", lambda name: f"9.{len(name)}")
    status, (_, *changes) = why("honest", "direct")
    torch = [line for line in changes if "versions torch: was " in line and "is 9.5" in line]
    assert len(torch) == 4  # data, train, sample, score


def test_what_is_damaged_or_gone_is_a_reason(why: Why, results: Path, install: Install) -> None:
    """A missing result is named; a model that is not installed any more cannot be made again."""
    shutil.rmtree(results / "sample")
    status, (_, line) = why("honest", "direct")
    assert status == 1
    assert line.startswith("  sample: its result: was kept, is cannot read")
    shutil.rmtree(next(install.folder.glob("*.dist-info")))
    status, (line,) = why("honest", "direct")
    assert status == 2
    assert "it cannot be made again: no dataset named 'walks'" in line


def test_only_what_is_kept_can_be_asked_about(why: Why) -> None:
    """An unknown line is a usage error that names what is near."""
    status, (line,) = why("honets", "direct")
    assert status == 2
    assert "Near it are: honest direct" in line
