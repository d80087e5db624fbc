"""How much of the machine others use, seen from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

_STAT = Path("/proc/stat")


def cores_in_use(seconds: float = 0.3) -> float | None:
    """Cores in use now, among those this process may use; ours count, so let them rest.

    Args:
        seconds: How long to look.

    Returns:
        Number of cores, or `None` where the system does not say.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    try:
        before = _STAT.read_text(encoding="ascii")
        time.sleep(seconds)
        return busy_cores(before, _STAT.read_text(encoding="ascii"), os.sched_getaffinity(0))
    except OSError:
        return None


def busy_cores(before: str, after: str, processors: Collection[int]) -> float:
    """Cores that were busy between two readings of `/proc/stat`.

    Time stolen by other guests of the host counts as busy, waiting for disks does not.

    Args:
        before: Its text, before.
        after: Its text, after.
        processors: Numbers of the processors that count.

    Reference:
        proc_stat(5), Linux manual pages.

    Example:
        >>> busy_cores("cpu0 10 0 0 90 0 0 0 0", "cpu0 40 0 0 160 0 0 0 0", {0})
        0.3
    """
    first, last = _ticks(before), _ticks(after)
    cores = 0.0
    for number in processors:
        if number in first and number in last:
            spent = [b - a for a, b in zip(first[number], last[number], strict=True)]
            idle = spent[3] + spent[4]
            cores += (sum(spent) - idle) / max(sum(spent), 1)
    return cores


def _ticks(text: str) -> dict[int, list[int]]:
    """User, nice, system, idle, iowait, irq, softirq and steal of each processor."""
    found = {}
    for line in text.splitlines():
        name, *values = line.split()
        if name.startswith("cpu") and name != "cpu":
            found[int(name[3:])] = [int(value) for value in values[:8]]
    return found
