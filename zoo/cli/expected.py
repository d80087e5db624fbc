"""What `zoo run --dry-run` says of the work as a whole: how much, what is kept, how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.wording import counted

if TYPE_CHECKING:
    from zoo.harness.forecast import Forecast
    from zoo.harness.plan import Plan


def expected(plans: Sequence[Plan], forecast: Forecast, jobs: int, out: Path) -> Iterator[str]:
    """Sentences about a run that has not begun.

    Args:
        plans: Its plans.
        forecast: What there is of it, and how long the rest takes.
        jobs: Steps at a time.
        out: The results folder.
    """
    kept, missing = forecast.kept, forecast.missing
    trainings, drawings, scores = (
        counted(kept.get(stage, 0) + missing.get(stage, 0), thing)
        for stage, thing in (("train", "training"), ("sample", "drawing"), ("score", "score"))
    )
    lines = counted(sum(len(plan.entries) for plan in plans), "line")
    have = ", ".join(f"{kept.get(stage, 0):,}" for stage in ("train", "sample", "score"))
    yield f"in all {lines}: {trainings}, {drawings}, {scores}; of these {have} are kept in {out}"
    if not sum(missing.values()):
        return
    if not forecast.seconds:
        yield "how long it takes, no earlier row says"
        return
    time = f"the rest takes about {lasting(forecast.seconds / jobs)}, {jobs} at a time"
    newest = counted(forecast.rows, "earlier row")
    but = f"; none says how long {', '.join(forecast.unknown)} takes" if forecast.unknown else ""
    yield f"{time} and without clocks, going by {newest}{but}"


def lasting(seconds: float) -> str:
    """A time in words.

    Example:
        >>> lasting(80), lasting(600), lasting(10_000), lasting(1e7)
        ('80 s', '10 min', '2.8 hours', '2,778 hours')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:,.1f} hours" if seconds < 360_000 else f"{seconds / 3_600:,.0f} hours"
