"""Laws of `zoo check`: a line per check, and the exit status says what came of them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.test_conformance_listing import MODEL
from zoo.cli.check import check
from zoo.conformance import cases
from zoo.errors import UsageError

if TYPE_CHECKING:
    from tests.conftest import Install


def ask(*names: str, form: str = "table") -> int:
    """The command, as the parser calls it."""
    return check(argparse.Namespace(names=list(names), format=form, blocked=[], no_plugins=False))


def test_what_conforms_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """One line per check, then how many there were."""
    assert ask("direct") == 0
    *lines, blank, summary = capsys.readouterr().out.splitlines()
    assert blank == ""
    assert summary == f"{len(lines)} checks: {len(lines)} passed"
    assert all(line.startswith("passed    direct  ") for line in lines)


def test_what_does_not_ends_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The line of the check is followed by what was found, expected and is to do."""
    path = tmp_path / "still.py"
    path.write_text(MODEL)
    assert ask(f"{path}:Still") == 1
    out = capsys.readouterr().out
    assert "fits_other_shapes\n          asked for 5 conformations it gives shape (5, 12, 2)" in out
    assert "1 failed, " in out.splitlines()[-1]


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And nothing else is on standard output."""
    path = tmp_path / "still.py"
    path.write_text(MODEL)
    assert ask(f"{path}:Still", form="json") == 1
    reports = json.loads(capsys.readouterr().out)
    assert [report["check"] for report in reports if report["status"] == "failed"] == [
        "fits_other_shapes"
    ]
    assert all(set(report) == {"subject", "check", "status", "message"} for report in reports)


def test_a_plugin_that_ends_the_process_ends_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each check has its report, those that met the end say so, and none is lost."""
    path = tmp_path / "still.py"
    path.write_text(
        MODEL.replace("        return", "        import os; os._exit(0)\n        return")
    )
    name = f"{path}:Still"
    assert ask(name, form="json") == 1
    reports = json.loads(capsys.readouterr().out)
    assert [report["check"] for report in reports] == [case.name for case in cases(name)]
    messages = {report["check"]: report["message"] for report in reports}
    assert messages["can_be_trained"] == ""
    assert "ended with status 0 before it was done" in messages["draws_are_finite"]


def test_nothing_to_check_ends_with_5(capsys: pytest.CaptureFixture[str], install: Install) -> None:
    """A plugin with an empty menu neither passes nor fails."""
    install("zoo-empty", "import zoo\n\n@zoo.hookimpl\ndef zoo_models():\n    return []\n")
    assert ask("zoo-empty") == 5
    assert capsys.readouterr().err == "zoo: zoo-empty offers nothing to check.\n"


def test_a_broken_plugin_says_what_it_suffers_from(install: Install) -> None:
    """A usage error, exit status 2, with the plugin's own fault."""
    install("zoo-broken", "import sys\nsys.exit('no licence')")
    with pytest.raises(UsageError, match=r"is quarantined: .* SystemExit: no licence") as caught:
        ask("zoo-broken")
    assert caught.value.exit_status == 2
