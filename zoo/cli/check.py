"""`zoo check`: does a plugin keep to its contract?"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from zoo.cli.shared import registry_of

if TYPE_CHECKING:
    from zoo.conformance import Case, Report

NOTHING = 5
WIDTH = 100


def check(options: argparse.Namespace) -> int:
    """`zoo check NAME ...`: run every check on what is named, and say what does not hold."""
    from zoo.conformance import cases
    from zoo.conformance.apart import run_apart

    registry = registry_of(options)
    found = cases(*options.names, registry=registry)
    if not found:
        sys.stderr.write(f"zoo: {', '.join(options.names)} offers nothing to check.\n")
        return NOTHING
    reports = run_apart(found)
    statuses = _as_json(reports) if options.format == "json" else _as_table(found, reports)
    return 1 if "failed" in statuses else 0


def _as_json(reports: Iterable[Report]) -> Counter[str]:
    lines = [asdict(report) for report in reports]
    sys.stdout.write(json.dumps(lines, indent=1) + "\n")
    return Counter(line["status"] for line in lines)


def _as_table(found: list[Case], reports: Iterable[Report]) -> Counter[str]:
    """One line per check as soon as it is done, for whoever waits at the terminal."""
    statuses: Counter[str] = Counter()
    widths = [max(len(case.subject.label) for case in found), max(len(case.name) for case in found)]
    for report in reports:
        statuses[report.status] += 1
        sys.stdout.writelines(f"{line}\n" for line in _lines(report, *widths))
        sys.stdout.flush()
    counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    sys.stdout.write(f"\n{len(found)} checks: {counts}\n")
    return statuses


def _lines(report: Report, subjects: int, checks: int) -> Iterator[str]:
    yield f"{report.status:<8}  {report.subject:<{subjects}}  {report.check:<{checks}}".rstrip()
    yield from textwrap.wrap(
        report.message,
        WIDTH,
        initial_indent=" " * 10,
        subsequent_indent=" " * 10,
        break_on_hyphens=False,
    )
