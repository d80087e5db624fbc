"""What `zoo run --dry-run` says of the work as a whole: how much, what is kept, how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.harness.forecast import Forecast, look_ahead
from zoo.harness.machine import find_device, usual_jobs
from zoo.wording import counted

if TYPE_CHECKING:
    from zoo.harness.plan import Plan


def expected(
    plans: Sequence[Plan],
    out: Path,
    device: str = "auto",
    jobs: int | None = None,
    *,
    here: bool = True,
) -> list[str]:
    """Sentences about a run that has not begun.

    Args:
        plans: Its plans.
        out: The results folder, which may be missing.
        device: Where it would train and draw: `auto`, `cpu` or `cuda`.
        jobs: Steps at a time; `None` takes what a run takes.
        here: Whether it would be carried out on this machine; otherwise, without `jobs`, nobody
            knows how many steps are done at a time, and one after the other is counted.
    """
    if device == "auto":  # to look for a GPU may take torch, and is of no use to an empty folder
        device = find_device(device)[0] if (out / "data").is_dir() else "cpu"
    ahead = look_ahead(plans, out, device)
    lines = counted(sum(len(plan.entries) for plan in plans), "line")
    return [
        f"in all {lines}: {what_is_kept(ahead, out)}",
        *how_long(ahead, jobs or (usual_jobs(device) if here else 1)),
    ]


def what_is_kept(ahead: Forecast, out: Path) -> str:
    """How much there is to do, and how much of it is done."""
    stages = {"train": "training", "sample": "drawing", "score": "score"}
    asked = [
        counted(ahead.kept.get(stage, 0) + ahead.missing.get(stage, 0), thing)
        for stage, thing in stages.items()
    ]
    kept = [f"{ahead.kept.get(stage, 0):,}" for stage in stages]
    return f"{', '.join(asked)}; of these {', '.join(kept)} are kept in {out}"


def how_long(ahead: Forecast, jobs: int) -> Iterator[str]:
    """What the rest takes, if there is a rest."""
    if ahead.seconds:
        but = f"; none says how long {', '.join(ahead.unknown)} takes" if ahead.unknown else ""
        yield (
            f"the rest takes about {lasting(ahead.seconds / jobs)}, {jobs} at a time and without "
            f"clocks, going by {counted(ahead.rows, 'earlier row')}{but}"
        )
    elif ahead.missing:
        yield "how long it takes, no earlier row says"


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
