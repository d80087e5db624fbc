"""One attempt at a stage: a child process of its own, watched and ended when it has to be."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.harness.child import OUTCOME, STACKS, Place, run_stage
from zoo.harness.memory import session_memory
from zoo.harness.process import Child
from zoo.harness.stages import Stage, Tell
from zoo.harness.whole import saving

LOOK = 0.2
"""Seconds between two looks at a child."""


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Args:
        timeout: Seconds after which it is ended.
        memory_gb: Memory that it and all it starts may hold, in GB (10⁹ bytes); `None` sets no
            limit.
        threads: Threads torch may use in it.
    """

    timeout: float = 3_600.0
    memory_gb: float | None = None
    threads: int = 1


@dataclass(frozen=True)
class Ending:
    """How an attempt ended.

    Args:
        status: One of those of `Outcome`.
        reason: One sentence without its full stop where the status is not `ok`.
        facts: What the stage had to say where it is.
    """

    status: str
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


INTERRUPTED = Ending("interrupted", "the run was interrupted")


def attempt(
    stage: Stage,
    place: Place,
    log: Path,
    limits: Limits,
    *,
    stopped: Callable[[], bool],
    tell: Tell,
) -> Ending:
    """Run a stage in a child.

    Args:
        stage: What to do.
        place: Where its files go.
        log: Where its output goes.
        limits: What it may use.
        stopped: Says whether to give up.
        tell: Takes its messages.

    Raises:
        StoreError: If there is no writing to the log.
    """
    with saving(log):
        log.unlink(missing_ok=True)
    child = Child(run_stage, (stage, place), limits.threads, log)
    deadline = time.monotonic() + limits.timeout
    ended: Ending | None = None
    try:
        while ended is None and child.alive():
            if (message := child.listen(LOOK)) is not None:
                tell(message)
            ended = INTERRUPTED if stopped() else _overdrawn(child.pid, deadline, limits)
    finally:
        child.end(hangs=ended is not None and ended.status == "timeout")
    if ended is None:
        ended = _read_outcome(place.folder / OUTCOME, child.exit_status)
    if ended.status != "ok":
        with suppress(OSError):
            child.log.note((place.folder / STACKS).read_text(encoding="utf-8", errors="replace"))
        child.log.note(f"{ended.status}: {ended.reason}")
    return ended


def _overdrawn(pid: int, deadline: float, limits: Limits) -> Ending | None:
    """Why a child has to end now, if it has to."""
    if time.monotonic() > deadline:
        return Ending("timeout", f"stopped after {limits.timeout:g} s")
    if limits.memory_gb is not None:
        held = session_memory(pid) / 1e9
        if held > limits.memory_gb:
            limit = f"{limits.memory_gb:g} GB are allowed"
            return Ending("oom", f"its processes held {held:.2f} GB of memory; {limit}")
    return None


def _read_outcome(path: Path, exit_status: int) -> Ending:
    """Success is exit status 0 and a valid file; one of the two proves nothing."""
    if exit_status == 0:
        with suppress(OSError, ValueError, KeyError):
            found: dict[str, Any] = json.loads(path.read_bytes())
            path.unlink()
            if found["status"] == "ok" and isinstance(found["facts"], dict):
                return Ending("ok", facts=found["facts"])
            return Ending(str(found["status"]), str(found["reason"]))
    how = f"status {exit_status}"
    if exit_status < 0:
        how = f"signal {-exit_status} ({signal.Signals(-exit_status).name})"
    if exit_status == -signal.SIGKILL:
        how += ", as when the system is short of memory,"
    return Ending("crashed", f"its process ended with {how} and no result")
