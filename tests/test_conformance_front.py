"""Laws of the front for pytest: a case per check, skips with reasons, failures as foretold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zoo
from zoo.conformance import parametrize_with_checks
from zoo.errors import UsageError

if TYPE_CHECKING:
    from tests.conftest import Install

TESTS = """
from dataclasses import replace

from tests.wrong import RIGHT, SAMPLER, subject
from zoo.conformance import Case, parametrize_with_checks
from zoo.registry import Registry

wrong = subject(SAMPLER, "LeavesTraining").listing
plain = replace(RIGHT[1].listing, plugin=replace(wrong.plugin, distribution="file"), label="way")
registry = Registry((), (replace(wrong, label="careless"), plain))


@parametrize_with_checks("careless", registry=registry)
def test_unforeseen(case: Case) -> None:
    case()


@parametrize_with_checks(
    "careless", registry=registry,
    expected_failures={"model_stays_as_it_is": "see elsewhere", "prints_nothing": "it talks"},
)
def test_foretold(case: Case) -> None:
    case()


@parametrize_with_checks("way", registry=registry)
def test_skips(case: Case) -> None:
    case()
"""


def test_pytest_reports_what_the_checks_find(tmp_path: Path) -> None:
    """A broken law fails, fails as expected, or fails by not failing; what cannot apply is skipped.

    A stranger's pytest, with no settings of ours.
    """
    (tmp_path / "test_them.py").write_text(TESTS)
    root = Path(zoo.__file__).parent.parent
    words = ["-q", "-rA", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-W", "error", str(tmp_path)],
        capture_output=True, text=True, cwd=root, check=False,
    )  # fmt: skip
    found = re.findall(r"^(FAILED|XFAIL) .*::(\S+)", done.stdout, re.MULTILINE)
    assert set(found) == {
        ("FAILED", "test_unforeseen[careless-model_stays_as_it_is]"),
        ("XFAIL", "test_foretold[careless-model_stays_as_it_is]"),
        ("FAILED", "test_foretold[careless-prints_nothing]"),
    }, done.stdout
    assert "Violation: sampling changes the mode of the model" in done.stdout
    assert "[XPASS(strict)] it talks" in done.stdout
    assert "a model in a file has no menu" in done.stdout


def test_an_expected_failure_must_name_a_check() -> None:
    """A misspelt one would never be missed."""
    with pytest.raises(UsageError, match="no check of direct is called 'prints_nothin'"):
        parametrize_with_checks("direct", expected_failures={"prints_nothin": "it talks"})


def test_nothing_to_check_is_no_success(install: Install) -> None:
    """Without a name, or with that of a plugin that offers nothing, there would be no tests."""
    with pytest.raises(UsageError, match="no name was given, which means nothing to check"):
        parametrize_with_checks()
    install("zoo-empty", "import zoo\n\n@zoo.hookimpl\ndef zoo_models():\n    return []\n")
    with pytest.raises(UsageError, match="zoo-empty offers nothing to check"):
        parametrize_with_checks("zoo-empty")


def test_cases_are_called_by_subject_and_check() -> None:
    """Each test's name says what is checked by what."""
    mark = parametrize_with_checks("direct", "rg_w1").mark
    ids = [parameter.id for parameter in mark.args[1]]
    assert len(set(ids)) == len(ids)
    assert {"direct-exact_on_normal_data", "rg_w1-prints_nothing"} <= set(ids)
