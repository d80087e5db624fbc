"""What a plugin must keep to, as one list of small named checks, and the front for pytest.

Checks and the exact models they use live here; nothing here runs a board or knows a plugin by
name. A stranger's tests and the command line come in.
"""

from zoo.conformance.case import (
    Case,
    Check,
    NotApplicable,
    Report,
    Violation,
    run_check,
    run_checks,
)
from zoo.conformance.front import parametrize_with_checks
from zoo.conformance.listing import cases, checks_for

__all__ = [
    "Case",
    "Check",
    "NotApplicable",
    "Report",
    "Violation",
    "cases",
    "checks_for",
    "parametrize_with_checks",
    "run_check",
    "run_checks",
]
