"""Laws of children: whatever becomes of the process that runs a check, there is a report of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.wrong import RIGHT
from zoo.conformance import Case, Violation
from zoo.conformance.apart import Silent, ask_apart, run_apart
from zoo.registry import Choice

SUBJECT = RIGHT[0]


def holds(subject: Choice) -> None:
    """It is there."""
    assert subject == SUBJECT


def fails(subject: Choice) -> None:
    """It is called otherwise."""
    raise Violation(f"it is called {subject.label}. Call it otherwise.")


def ends(subject: Choice) -> None:
    """It lives."""
    del subject
    os._exit(0)


def is_killed(subject: Choice) -> None:
    """It is let live."""
    del subject
    os.kill(os.getpid(), signal.SIGKILL)


def never_ends(subject: Choice) -> None:
    """It comes to an end."""
    del subject
    threading.Event().wait()


def test_a_process_that_ends_is_a_failure_and_the_rest_goes_on() -> None:
    """One report for each case, in order, with the words of the check or the end of its child."""
    checks = (holds, ends, fails, is_killed, holds)
    reports = list(run_apart([Case(check, SUBJECT) for check in checks]))
    assert [report.check for report in reports] == [check.__name__ for check in checks]
    statuses = [report.status for report in reports]
    assert statuses == ["passed", "failed", "failed", "failed", "passed"]
    ended, said, killed = (report.message for report in reports[1:4])
    assert ended == "the process that ran it ended with status 0 before it was done. " + (
        "Expected: It lives."
    )
    assert said == "it is called Normal. Call it otherwise."
    assert f"ended with status {-signal.SIGKILL} before" in killed


def test_a_check_that_takes_too_long_is_a_failure() -> None:
    """It is ended with its process, and the report says how long it was waited for."""
    (report,) = run_apart([Case(never_ends, SUBJECT)], seconds=0.5)
    assert report.status == "failed"
    assert report.message.startswith("the process that ran it took longer than 0.5 seconds.")


def say_and_answer(about: str) -> str:
    """Print by the file descriptor, and answer."""
    os.write(1, b"hello")
    return about.upper()


def test_a_child_writes_nothing_to_standard_output(tmp_path: Path) -> None:
    """What a plugin writes, even past Python, cannot get into somebody's JSON."""
    script = tmp_path / "ask.py"  # without a guard: children must not run it again
    script.write_text(
        "from tests.test_conformance_apart import say_and_answer\n"
        "from zoo.conformance.apart import ask_apart\n"
        "print(ask_apart(say_and_answer, 'a'))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("A\n", "hello")


def raise_one(about: str) -> str:
    """Give no answer."""
    raise ValueError(about)


def test_a_child_that_gives_no_answer_says_how_it_ended() -> None:
    """An error in it is no answer."""
    with pytest.raises(Silent, match="ended with status 1 before it was done"):
        ask_apart(raise_one, "x")
