"""Laws of cases: whatever a plugin does, one report, and nothing of it is left behind."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.wrong import RIGHT
from zoo.conformance import Case, NotApplicable, Violation, checks_for, run_check, run_checks
from zoo.conformance.case import needing
from zoo.conformance.state import isolated, random_states, settings
from zoo.registry import Choice

SUBJECT = RIGHT[0]


def case_of(action: Callable[[], object]) -> Case:
    """A case whose check does something, and asks nothing of the subject."""

    def law(subject: Choice) -> None:
        """Something is done."""
        assert subject is SUBJECT
        action()

    return Case(law, SUBJECT)


def fail(error: BaseException) -> Callable[[], None]:
    """What raises an error."""

    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (Violation("two, not three. Add one."), "failed", "two, not three. Add one."),
        (NotApplicable("it has none"), "skipped", "it has none"),
        (ValueError("no\nspace"), "failed", "'Normal' raised ValueError: no space ("),
        (SystemExit("bye"), "failed", "'Normal' raised SystemExit: bye ("),
    ],
)
def test_whatever_is_raised_becomes_a_report(
    error: BaseException, status: str, message: str
) -> None:
    """A broken law, one that does not apply, an exception and an exit, each by its own words."""
    report = run_check(case_of(fail(error)))
    assert (report.subject, report.check, report.status) == ("Normal", "law", status)
    assert report.message.startswith(message)
    if "raised" in message:
        assert f"{__file__}:" in report.message
        assert "Expected: Something is" in report.message


def test_an_interrupt_is_no_failure() -> None:
    """Ctrl-C stops the run."""
    with pytest.raises(KeyboardInterrupt):
        run_check(case_of(fail(KeyboardInterrupt())))


def test_expected_failures_must_fail() -> None:
    """One that fails as foretold is `expected`; one that passes is a failure that says so."""
    bad, good = case_of(fail(Violation("wrong."))), case_of(lambda: None)
    reports = run_checks([bad, good], {"law": "a bound only"})
    assert [report.status for report in reports] == ["expected", "failed"]
    assert reports[0].message == "a bound only"
    assert "was expected to fail: a bound only" in reports[1].message


def test_what_a_plugin_prints_is_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output stays clean, for somebody's JSON."""
    run_check(case_of(lambda: sys.stdout.write("hello")))
    assert capsys.readouterr() == ("", "hello")


def test_nothing_leaks() -> None:
    """Random states and settings that a plugin changes are put back, even when it fails."""

    def spoil() -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("medium")
        torch.set_grad_enabled(False)
        torch.rand(3), np.random.rand(3), random.random()  # noqa: S311
        raise ValueError

    before = random_states(), settings()
    assert run_check(case_of(spoil)).status == "failed"
    assert (random_states(), settings()) == before


def test_cases_are_repeatable() -> None:
    """Wherever the global generators stand, a check finds them at the same place."""
    seen: list[object] = []
    for seed in (1, 2):
        with isolated(seed):
            case_of(lambda: seen.append((torch.rand(()), np.random.rand(), random.random())))()  # noqa: S311
    assert seen[0] == seen[1]


def test_what_cannot_be_judged_says_who_can() -> None:
    """A fault on the way is a reason to skip, which names the check that reports it."""
    with (
        pytest.raises(NotApplicable, match="RuntimeError: odd; see can_be_trained"),
        needing("can_be_trained"),
    ):
        raise RuntimeError("odd")


def test_a_fault_is_reported_once() -> None:
    """A model that cannot be imported fails one check; the others say which."""
    spec = replace(SUBJECT.listing.spec, factory="tests.wrong.models:NotThere")
    lost = Choice(replace(SUBJECT.listing, spec=spec))
    reports = run_checks(Case(check, lost) for check in checks_for(lost))
    failed = [report for report in reports if report.status == "failed"]
    assert [report.check for report in failed] == ["spec_is_valid"]
    assert "has no attribute 'NotThere'" in failed[0].message
    skipped = [report.message for report in reports if report.status == "skipped"]
    assert all("; see " in message for message in skipped)
