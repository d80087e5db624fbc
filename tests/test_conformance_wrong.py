"""The conformance kit itself: right plugins pass, and each wrong one fails just its check."""

from __future__ import annotations

import pytest

from tests.wrong import RIGHT, WRONG
from zoo.conformance import Case, checks_for, run_checks
from zoo.registry import Choice


def failed(subject: Choice) -> list[str]:
    """Names of the checks that a subject fails."""
    reports = run_checks(Case(check, subject) for check in checks_for(subject))
    return [report.check for report in reports if report.status == "failed"]


@pytest.mark.parametrize("subject", RIGHT, ids=lambda subject: subject.label)
def test_right_plugins_pass(subject: Choice) -> None:
    """What the wrong plugins differ from in a single thing breaks no law."""
    assert failed(subject) == []


@pytest.mark.parametrize(
    ("check", "subject"), WRONG, ids=[f"{check}-{subject.label}" for check, subject in WRONG]
)
def test_wrong_plugins_fail_their_check_and_no_other(check: str, subject: Choice) -> None:
    """One thing is wrong, and one check says so."""
    assert failed(subject) == [check.rpartition(".")[2]]


def test_there_is_a_wrong_plugin_for_every_check() -> None:
    """A check that nothing has ever failed may as well not be there."""
    broken = {(check.rpartition(".")[2], subject.listing.spec.kind) for check, subject in WRONG}
    names = {name for name, _ in broken}
    checks = {check for subject in RIGHT for check in checks_for(subject)}
    assert {check.__name__ for check in checks} == names
    # Of checks that bear one name in several rooms each has its own.
    assert len({(check.__module__, check.__name__) for check in checks}) == len(
        {check for check, _ in WRONG}
    )
