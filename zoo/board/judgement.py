"""What one figure of a line says against the same figure elsewhere: better, same, worse, unsure.

Quality counts by its distance to the floor's 95% band, so that it does not matter whether a
metric should be small, large or 1. Lines are mappings of column names to text, as a CSV has
them: what cannot be read as a number is found here, and never passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from zoo.board.cells import number
from zoo.board.statistics import Interval, Scores
from zoo.specs import HEADLINE

METRICS = (HEADLINE, "bond_w1", "ree_w1")
"""The metrics that every line must have, and that are compared unless others are named."""

MACHINE = ("cpu", "cores", "gpu", "torch", "timing_threads", "timing_batch")
"""Columns that must agree for times to be held against one another."""

SLOWER = 1.1
"""Times whose ratio is nearer to 1 than this count as the same."""

Line = Mapping[str, str]


class Verdict(StrEnum):
    """What a comparison of one cell comes to."""

    WORSE = "WORSE"
    INCOMPARABLE = "INCOMPARABLE"
    UNSURE = "UNSURE"
    BETTER = "BETTER"
    NEW = "NEW"
    SAME = "SAME"


class Judgement(NamedTuple):
    """A verdict with its grounds.

    Args:
        verdict: What it comes to.
        reason: Why, in one sentence without its full stop.
        base: The figure in BASE; NaN where there is none.
        head: The figure in HEAD.
        change: How much further from the floor's band HEAD is, in the metric's unit; for a
            time the ratio HEAD / BASE.
        low: Lower end of the change's 95% interval.
        high: Upper end.
        margin: Changes up to this are what two perfect models may differ by.
    """

    verdict: Verdict
    reason: str
    base: float = math.nan
    head: float = math.nan
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    margin: float = math.nan


def judge_metric(base: Line, head: Line, metric: str) -> Judgement | None:
    """Compare one metric of two lines of the same data, budget and number of seeds.

    The change is that of the distance to BASE's floor band. Its interval is Student's, of the
    seeds' differences, since seed by seed both lines saw the same randomness; without values
    per seed it comes from both lines' own intervals. A change counts if it exceeds half the
    width of the floor's band, and its interval excludes 0; for the worse also if it is more
    than BASE's own interval explains, however much the seeds of HEAD differ.

    Args:
        base: A line of BASE.
        head: The line of HEAD to hold against it.
        metric: Name of the metric's column.

    Returns:
        `None` if neither line has the metric and it is not one of `METRICS`.

    Example:
        >>> line = {"rg_w1": "0.1", "rg_w1_floor": "0.02", "rg_w1_floor_low": "0.01",
        ...         "rg_w1_floor_high": "0.04", "seeds": "2", "rg_w1_seeds": "0.08 0.12"}
        >>> longer = line | {"rg_w1": "0.45", "rg_w1_seeds": "0.43 0.47"}
        >>> judge_metric(line, longer, "rg_w1").verdict.value
        'WORSE'
    """
    texts = base.get(metric, ""), head.get(metric, "")
    failed = any(f"no {metric}:" in line.get("reason", "") for line in (base, head))
    if texts == ("", "") and metric not in METRICS and not failed:
        return None
    values = number(texts[0]), number(texts[1])
    if fault := _fault(base, "BASE", metric) or _fault(head, "HEAD", metric):
        return Judgement(Verdict.INCOMPARABLE, fault, *values)
    band = tuple(number(base[f"{metric}_floor_{end}"]) for end in ("low", "high"))
    if not band[0] <= number(head[f"{metric}_floor"]) <= band[1]:
        moved = f"the floor moved from {base[f'{metric}_floor']} to {head[f'{metric}_floor']}"
        return Judgement(Verdict.INCOMPARABLE, moved, *values)
    margin = (band[1] - band[0]) / 2 or _half_width(base, metric)
    if _figures(base, metric) == _figures(head, metric):
        return Judgement(Verdict.SAME, "the same values", *values, 0.0, 0.0, 0.0, margin)
    change, basis = _change(base, head, metric, (band[0], band[1]))
    verdict, reason = _decide(change, margin, _usual(base, metric))
    return Judgement(verdict, f"{reason}; {basis}", *values, *change, margin)


def _fault(line: Line, name: str, metric: str) -> str:
    """Why a line's figures of a metric are of no use, if they are."""
    for column in (metric, *(f"{metric}_floor{end}" for end in ("", "_low", "_high"))):
        text = line.get(column, "")
        if not math.isfinite(number(text)):
            return f"{column} in {name} is {text or 'missing'}"
    if number(line[f"{metric}_floor_low"]) > number(line[f"{metric}_floor_high"]):
        return f"the floor's band of {metric} in {name} ends before it begins"
    seeds = _seeds(line, metric)
    if not seeds:
        return ""
    if len(seeds) != number(line["seeds"]):
        return f"{metric}_seeds in {name} holds {len(seeds)} values for {line['seeds']} seeds"
    gap = abs(sum(seeds) / len(seeds) - number(line[metric]))
    if not gap <= 1e-4 * max(map(abs, seeds)):
        return f"{metric} in {name} is {line[metric]}, which is not the mean of {metric}_seeds"
    return ""


def _seeds(line: Line, metric: str) -> list[float]:
    return [number(text) for text in line.get(f"{metric}_seeds", "").split()]


def _figures(line: Line, metric: str) -> list[str]:
    """All that makes two lines the same in a metric: each seed's value, or what stands for it."""
    if found := line.get(f"{metric}_seeds", "").split():
        return found
    return [line.get(f"{metric}{end}", "") for end in ("", "_low", "_high")]


def _change(base: Line, head: Line, metric: str, band: tuple[float, float]) -> tuple[Interval, str]:
    """How much further from the band HEAD is, with its interval and what that rests on."""

    def excess(value: float) -> float:
        return max(band[0] - value, value - band[1], 0.0)

    old, new = _seeds(base, metric), _seeds(head, metric)
    if len(old) == len(new) >= 2:
        found = _student([excess(y) - excess(x) for x, y in zip(old, new, strict=True)])
        return found, f"{len(old)} paired seeds"
    lines = base, head
    value, other = (number(line[metric]) for line in lines)
    half = math.hypot(*(_half_width(line, metric) for line in lines))
    change = excess(other) - excess(value)
    basis = "seeds not paired, since a file lacks their values"
    if number(base["seeds"]) == 1:
        basis = "one seed, so the interval holds the noise of sampling only, not of training"
    return Interval(change, change - half, change + half), basis


def _half_width(line: Line, metric: str) -> float:
    """Half of a line's own interval: its upper half, since the lower may be cut; NaN if none."""
    return number(line.get(f"{metric}_high", "")) - number(line[metric])


def _student(values: list[float]) -> Interval:
    """Mean of at least two values, and Student's 95% interval of it."""
    found = Scores(np.array(values)[None, :, None], np.array([math.nan])).estimate()
    mean, half = float(found.mean[0]), float(found.half_width[0])
    return Interval(mean, mean - half, mean + half)


def _usual(base: Line, metric: str) -> float:
    """How far from BASE another run like it may lie by chance; NaN if nothing tells."""
    seeds = _seeds(base, metric)
    own = [_half_width(base, metric)]
    if len(seeds) > 1:
        found = _student(seeds)
        own.append(found.high - found.value)
    return math.sqrt(2) * max(own)


def _decide(change: Interval, margin: float, usual: float) -> tuple[Verdict, str]:
    value, low, high = change
    where = f"{abs(value):.3g} {'further from' if value > 0 else 'nearer to'} the floor"
    between = f"[{low:.3g}, {high:.3g}]"
    if value > margin and low > 0:
        return Verdict.WORSE, f"{where} {between}, where {margin:.3g} would pass"
    if value > margin and value > usual:  # that HEAD's own seeds differ is no excuse
        return Verdict.WORSE, f"{where}, where BASE's own interval explains {usual:.3g}"
    if value < -margin and high < 0:
        return Verdict.BETTER, f"{where} {between}, where {margin:.3g} would be chance"
    if abs(value) <= margin and -2 * margin <= low and high <= 2 * margin:
        return Verdict.SAME, f"{where}, within the margin {margin:.3g}"
    doubt = f"the interval {between} exceeds twice {margin:.3g}"
    if math.isnan(low) or math.isnan(high):
        doubt = "there is no interval"
    elif abs(value) > margin:
        doubt = f"the interval {between} holds 0"
    return Verdict.UNSURE, f"{where}, but {doubt}"


def judge_time(base: Line, head: Line, device: str) -> Judgement | None:
    """Compare the time per sample of two lines on a device, in units of the reference kernel.

    Args:
        base: A line of BASE.
        head: The line of HEAD to hold against it.
        device: `cpu` or `cuda`.

    Returns:
        `None` if neither was timed.
    """
    name = f"{device}_us_per_sample"
    texts = base.get(name, ""), head.get(name, "")
    if texts == ("", ""):
        return None
    times = number(texts[0]), number(texts[1])
    for line, text, time in zip(("BASE", "HEAD"), texts, times, strict=True):
        if text and not 0 < time < math.inf:
            return Judgement(Verdict.INCOMPARABLE, f"{name} in {line} is {text}", *times)
    if not texts[1] and (device == "cpu" or head.get("gpu")):
        return Judgement(Verdict.INCOMPARABLE, f"{name} in HEAD is missing", *times)
    if "" in texts:
        only = "BASE" if texts[0] else "HEAD"
        return Judgement(Verdict.UNSURE, f"timed in {only} only", *times)
    ratio = _ratio(base, head, device)
    doubt = _doubt(base, head, device, ratio)
    if doubt is not None:
        verdict = Verdict.UNSURE if doubt else Verdict.SAME
        return Judgement(verdict, doubt or "the same times", *times, *ratio, SLOWER)
    verdict = Verdict.SAME
    if ratio.low > 1 and ratio.value > SLOWER:
        verdict = Verdict.WORSE
    elif ratio.high < 1 and ratio.value < 1 / SLOWER:
        verdict = Verdict.BETTER
    reason = f"{ratio.value:.2f} × the time [{ratio.low:.2f}, {ratio.high:.2f}]"
    return Judgement(verdict, reason, *times, *ratio, SLOWER)


def _kernels(base: Line, head: Line, device: str) -> tuple[float, float] | None:
    """Times of the reference kernel beside both lines, if it was timed both times."""
    old, new = (number(line.get(f"{device}_kernel_us", "")) for line in (base, head))
    return (old, new) if 0 < old < math.inf and 0 < new < math.inf else None


def _ratio(base: Line, head: Line, device: str) -> Interval:
    """HEAD's time over BASE's, each in units of its reference kernel where both have one."""
    old, new = _kernels(base, head, device) or (1.0, 1.0)
    value, low, high = (
        (number(head.get(f"{device}_us_{above}", "")) / new)
        / (number(base.get(f"{device}_us_{below}", "")) / old)
        for above, below in (("per_sample",) * 2, ("low", "high"), ("high", "low"))
    )
    return Interval(value, low, high)


def _doubt(base: Line, head: Line, device: str, ratio: Interval) -> str | None:
    """Why two times cannot be held against one another; empty if they are the same."""
    ends = [f"{device}_us_{end}" for end in ("per_sample", "low", "high")]
    same = all(base.get(end, "") == head.get(end, "") for end in ends)
    reason = _elsewhere(base, head, device)
    if same and not reason:
        return ""
    clocks = [line.get(f"{device}_clock", "") for line in (base, head)]
    if not reason and any(clocks):
        reason = f"but the clock was {' and '.join(dict.fromkeys(filter(None, clocks)))}"
    if not reason and not _kernels(base, head, device):
        reason = "but no reference kernel was timed beside both"
    if not reason and (math.isnan(ratio.low) or math.isnan(ratio.high)):
        reason = "and there is no interval"
    return f"{ratio.value:.2f} × the time, {reason}" if reason else None


def _elsewhere(base: Line, head: Line, device: str) -> str:
    """In what the machines differed, or their speed; empty if in nothing."""
    for name in MACHINE:
        old, new = (line.get(name, "") for line in (base, head))
        if old != new:
            return (
                f"but on another machine: {name} is {old or 'none'} in BASE and "
                f"{new or 'none'} in HEAD"
            )
    kernels = _kernels(base, head, device)
    if kernels and not 1 / SLOWER <= kernels[1] / kernels[0] <= SLOWER:
        return (
            f"but the reference kernel took {kernels[0]:.4g} µs beside BASE and "
            f"{kernels[1]:.4g} µs beside HEAD"
        )
    return ""
