"""What a line costs: times per conformation from the rounds that the clock has seen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.board.statistics import Interval, median_interval

BUSY = 0.05
"""Share of the cores that others use, above which the clock of a line is called `busy`."""

UNSTABLE = 0.1
"""Half the interval of a time over its median, above which its clock is called `unstable`."""

UNEVEN = 1.15
"""The reference kernel's 90th over its 10th percentile, above which a clock is `uneven`."""

Row = Mapping[str, Any]
_NOTHING = Interval(math.nan, math.nan, math.nan)


def timing(jobs: Sequence[Row]) -> dict[str, Any]:
    """Time columns of a line, one set per device; NaN where there was no clock.

    Args:
        jobs: Rows of the line, one per seed.
    """
    batch = jobs[0]["settings"]["batch"]
    columns: dict[str, Any] = {}
    for device in ("cpu", "cuda"):
        found = _device(_times(jobs, device), batch, jobs[0]["made_by"]["timing_threads"])
        columns |= {f"{device}_{name}": value for name, value in found.items()}
    exact = _median(_times(jobs, "cpu").get("exact_seconds"), 1e6 / batch)
    trained = [job["train_seconds"] for job in jobs if job["train_seconds"] is not None]
    seconds = statistics.fmean(trained) if trained else math.nan
    model = columns["cpu_us_per_sample"]
    columns["exact_us_per_sample"] = exact
    columns["break_even"] = break_even(seconds, model / 1e6, exact / 1e6)
    return columns


def _times(jobs: Sequence[Row], device: str) -> Mapping[str, Any]:
    """What the clock saw on a device: one seed of a line has been timed for all."""
    none: Mapping[str, Any] = {}
    return next((job["times"][device] for job in jobs if device in job["times"]), none)


def _device(times: Mapping[str, Any], batch: int, cores: int) -> dict[str, Any]:
    """Columns of one device, without its name."""
    sample = _interval([s * 1e6 / batch for s in times.get("batch_seconds") or ()])
    if stated := times.get("stated_seconds"):
        sample = Interval(stated * 1e6, math.nan, math.nan)
    kernel = times.get("kernel_seconds") or ()
    ratios = zip(times.get("batch_seconds") or (), kernel, strict=False)
    relative = _interval([s / batch / k for s, k in ratios])
    best, peak = times.get("best_batch") or math.nan, times.get("peak_mb")
    return {
        "us_per_sample": sample.value,
        "us_low": sample.low,
        "us_high": sample.high,
        "latency_us": _median(times.get("single_seconds"), 1e6),
        "samples_per_second": best / _median(times.get("best_seconds"), 1.0),
        "best_batch": best,
        "peak_mb": math.nan if peak is None else peak,
        "kernel_us": _median(kernel, 1e6),
        "relative": relative.value,
        "relative_low": relative.low,
        "relative_high": relative.high,
        "clock": _words(sample, times, kernel, cores),
        "timed": times.get("measured", ""),
        "alongside": times.get("alongside", ""),
    }


def _words(sample: Interval, times: Mapping[str, Any], kernel: Sequence[float], cores: int) -> str:
    """What makes one doubt a time: hearsay, a wide interval, others at work, an uneven machine."""
    words = ["stated"] if "stated_seconds" in times else []
    if sample.high - sample.low > 2 * UNSTABLE * sample.value:
        words.append("unstable")
    if (times.get("others") or 0.0) > BUSY * cores:
        words.append("busy")
    if spread(kernel) > UNEVEN:
        words.append("uneven")
    return " ".join(words)


def spread(values: Sequence[float]) -> float:
    """90th over 10th percentile, interpolated; NaN for fewer than two values.

    Args:
        values: Positive.

    Example:
        >>> spread([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0])
        5.0
    """
    if len(values) < 2:
        return math.nan
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return tenths[-1] / tenths[0]


def break_even(train_seconds: float, model: float, exact: float) -> float:
    """Conformations from which training and drawing is cheaper than exact drawing.

    Args:
        train_seconds: What the model cost before its first conformation, in s.
        model: Seconds per conformation of the model.
        exact: Seconds per conformation of the exact sampler.

    Returns:
        Their number; infinite where the model is not the faster one, NaN where anything is
        unknown.

    Example:
        >>> break_even(10.0, model=0.5, exact=2.5), break_even(10.0, model=2.5, exact=0.5)
        (5.0, inf)
    """
    if math.isnan(train_seconds + model + exact):
        return math.nan
    return train_seconds / (exact - model) if model < exact else math.inf


def _interval(values: Sequence[float]) -> Interval:
    return median_interval(values) if values else _NOTHING


def _median(seconds: Sequence[float] | None, scale: float) -> float:
    return statistics.median(seconds) * scale if seconds else math.nan
