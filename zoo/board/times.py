"""What a line costs: times per conformation from the rounds that the clock has seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.board.statistics import Interval, median_interval

Row = Mapping[str, Any]


def timing(jobs: Sequence[Row]) -> dict[str, Any]:
    """Time columns of a line, one set per device; NaN where there was no clock.

    Args:
        jobs: Rows of the line, one per seed.
    """
    timing: dict[str, Any] = {}
    for device in ("cpu", "cuda"):
        none: dict[str, Any] = {}
        times = next((job["times"][device] for job in jobs if device in job["times"]), none)
        batch, single = times.get("batch_seconds"), times.get("single_seconds")
        scale = 1e6 / jobs[0]["settings"]["batch"]
        nothing = Interval(math.nan, math.nan, math.nan)
        found = median_interval([s * scale for s in batch]) if batch else nothing
        latency = median_interval([s * 1e6 for s in single]) if single else nothing
        timing |= {
            f"{device}_us_per_sample": found.value,
            f"{device}_us_low": found.low,
            f"{device}_us_high": found.high,
            f"{device}_latency_us": latency.value,
            f"{device}_timed": times.get("measured", ""),
        }
    return timing
