"""A check on a subject, what comes of it, and what is kept from leaking out of it."""

from __future__ import annotations

import traceback
import unittest
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from zoo.registry import Choice
from zoo.registry.quiet import printing_to_stderr
from zoo.wording import one_line

Check = Callable[[Choice], None]
"""A function whose name is a sentence, and the first line of whose docstring states the law."""


class Violation(AssertionError):  # noqa: N818 - it is not the kit that is in error
    """A law is broken: what was found, what was expected, and what to do."""


class NotApplicable(unittest.SkipTest):
    """A law that says nothing about this subject, or could not be judged, and why.

    A kind of `SkipTest`, so that pytest and unittest count a test that raises it as skipped.
    """


@dataclass(frozen=True, repr=False)
class Case:
    """One check on one subject; calling it runs it.

    Args:
        check: The check.
        subject: What is checked, with its options.
    """

    check: Check
    subject: Choice

    @property
    def name(self) -> str:
        """Name of the check."""
        return self.check.__name__

    @property
    def law(self) -> str:
        """What must hold: the first line of the check's docstring."""
        return (self.check.__doc__ or self.name).strip().partition("\n")[0]

    def __repr__(self) -> str:
        return f"{self.subject.label}-{self.name}"

    def __call__(self) -> None:
        """Run the check: seeded, and without a trace in global state.

        Raises:
            Violation: If the law is broken, or the plugin raised something.
            NotApplicable: If the law says nothing about the subject.
        """
        from zoo.conformance.state import isolated

        __tracebackhide__ = True
        with isolated(seed=0):
            try:
                self.check(self.subject)
            except (Violation, NotApplicable):
                raise
            except (Exception, SystemExit) as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                raise Violation(
                    f"{self.subject.label!r} raised {one_line(error)} "
                    f"({where.filename}:{where.lineno}). Expected: {self.law}"
                ) from error


Status = Literal["passed", "failed", "skipped", "expected"]


@dataclass(frozen=True)
class Report:
    """What came of a case.

    Args:
        subject: Label of what was checked.
        check: Name of the check.
        status: `expected` where a failure was foretold.
        message: What was found, expected and is to do; why it was skipped; or nothing.
    """

    subject: str
    check: str
    status: Status
    message: str = ""


def run_check(case: Case, expected_failures: Mapping[str, str] = {}) -> Report:
    """Run one case and say what came of it, whatever the plugin does.

    Args:
        case: What to run.
        expected_failures: Names of checks that are known to fail, and why.

    Returns:
        The report. A check that was expected to fail and does not is `failed`.

    Example:
        >>> from zoo.registry import Choice, Listing, Plugin
        >>> from zoo.specs import SamplerSpec
        >>> spec = SamplerSpec(api=1, name="leap", factory="x:Y", summary="", needs=set())
        >>> def is_called_walk(subject):
        ...     if subject.label != "walk":
        ...         raise Violation(f"it is called {subject.label}. Call it walk.")
        >>> subject = Choice(Listing(spec, Plugin("zoo-leap", "zoo-leap", "1", "leap"), "leap"))
        >>> run_check(Case(is_called_walk, subject)).message
        'it is called leap. Call it walk.'
    """
    foretold = expected_failures.get(case.name)
    try:
        with printing_to_stderr():
            case()
    except NotApplicable as why:
        return Report(case.subject.label, case.name, "skipped", str(why))
    except Violation as broken:
        if foretold is not None:
            return Report(case.subject.label, case.name, "expected", foretold)
        return Report(case.subject.label, case.name, "failed", str(broken))
    if foretold is not None:
        message = f"it passed, and was expected to fail: {foretold}. Take it off the list."
        return Report(case.subject.label, case.name, "failed", message)
    return Report(case.subject.label, case.name, "passed")


def run_checks(cases: Iterable[Case], expected_failures: Mapping[str, str] = {}) -> list[Report]:
    """Run cases one after another; see `run_check`.

    Example:
        >>> run_checks([])
        []
    """
    return [run_check(case, expected_failures) for case in cases]


@contextmanager
def needing(check: str) -> Iterator[None]:
    """Skip what cannot be judged as long as another check fails.

    A fault is then reported once, by the check whose law it breaks.

    Args:
        check: Name of the check that reports what goes wrong inside.

    Raises:
        NotApplicable: For whatever is raised inside.

    Example:
        >>> with needing("builds_from_defaults"):
        ...     raise ValueError("no such file")
        Traceback (most recent call last):
        zoo.conformance.case.NotApplicable: ValueError: no such file; see builds_from_defaults
    """
    try:
        yield
    except NotApplicable:
        raise
    except (Exception, SystemExit) as error:
        raise NotApplicable(f"{one_line(error)}; see {check}") from error
