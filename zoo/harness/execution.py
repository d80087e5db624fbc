"""Stages in child processes: find what is kept, else make it, within limits, and keep it."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import StoreError
from zoo.harness.child import OUTCOME, STACKS, Place, run_stage
from zoo.harness.claims import Claim
from zoo.harness.memory import session_memory
from zoo.harness.process import Child, Held
from zoo.harness.stages import Stage, Tell, is_outdated
from zoo.harness.store import Result, Store
from zoo.harness.whole import saving

LOOK = 0.2
"""Seconds between two looks at a child."""

GOES_ON = ("interrupted", "crashed")
"""How a stage may end and go on from its last checkpoint when it is asked for again."""


@dataclass(frozen=True)
class Outcome:
    """How a stage ended.

    Args:
        status: `ok`, `error`, `crashed`, `timeout`, `oom`, `invalid`, `interrupted` or `skipped`.
        reason: One sentence where the status is not `ok`.
        result: What was kept where it is.
        cached: Whether it was kept before.
    """

    status: str
    reason: str = ""
    result: Result | None = None
    cached: bool = False


@dataclass
class Runner:
    """Runs stages in child processes and keeps what they give.

    Args:
        store: Where results are kept.
        machine: What machine this is, in a line, for the record.
        threads: Threads torch may use in a child.
        timeout: Seconds after which a child is ended.
        memory_gb: Memory that a child and all it starts may hold, in GB (10⁹ bytes); `None`
            sets no limit.
    """

    store: Store
    machine: str
    threads: int = 1
    timeout: float = 3_600.0
    memory_gb: float | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End all children soon; what runs now and later ends as `interrupted`."""
        self._stopped.set()

    def resolve(self, stage: Stage, tell: Tell) -> Outcome:
        """The kept result of a stage, or else a fresh one.

        Raises:
            StoreError: If a finished result could not be saved.
        """
        key = stage.key
        if kept := self.store.find(stage.name, key):
            return Outcome("ok", result=kept, cached=True)
        with self.store.claim(f"{stage.name}-{key}", self._stopped) as claim:
            if claim is None:
                return _INTERRUPTED
            if kept := self.store.find(stage.name, key):  # another run was at work on it
                return Outcome("ok", result=kept, cached=True)
            return self._make(stage, key, claim, tell)

    def _make(self, stage: Stage, key: str, claim: Claim, tell: Tell) -> Outcome:
        folder = self.store.workplace(stage.name, key)
        start, outcome = time.monotonic(), _INTERRUPTED
        try:
            place = Place(folder, self.timeout, Held(claim.descriptor))
            log = self.store.log_file(f"{stage.name}-{key}")
            outcome, facts = self._run(stage, place, log, tell)
            if outcome.status == "ok" and (stage.key != key or is_outdated(stage)):
                outcome = Outcome("invalid", _MODIFIED)
            if outcome.status != "ok":
                self.store.probe()  # a full disk is no fault of the plugin
                return outcome
            facts |= {"stage_seconds": time.monotonic() - start, "machine": self.machine}
            try:
                result = self.store.keep(stage.name, key, folder, facts, stage.depends_on)
            except StoreError as error:
                raise StoreError(f"{error}{_lost(facts)}") from None
            return Outcome("ok", result=result)
        finally:
            end = self.store.leave if outcome.status in GOES_ON else self.store.discard
            end(folder)

    def _run(
        self, stage: Stage, place: Place, log: Path, tell: Tell
    ) -> tuple[Outcome, dict[str, Any]]:
        """How a stage ended in a child, and what it had to say."""
        with saving(log):
            log.unlink(missing_ok=True)
        child = Child(run_stage, (stage, place), self.threads, log)
        deadline = time.monotonic() + self.timeout
        ended: Outcome | None = None
        facts: dict[str, Any] = {}
        try:
            while ended is None and child.alive():
                if (message := child.listen(LOOK)) is not None:
                    tell(message)
                ended = self._overdrawn(child, deadline)
        finally:
            child.end(hangs=ended is not None and ended.status == "timeout")
        if ended is None:
            ended, facts = _read_outcome(place.folder / OUTCOME, child.exit_status)
        if ended.status != "ok":
            with suppress(OSError):
                child.log.note(
                    (place.folder / STACKS).read_text(encoding="utf-8", errors="replace")
                )
            child.log.note(f"{ended.status}: {ended.reason}")
        if ended.status in _WITHOUT_TRACEBACK:
            ended = Outcome(ended.status, f"{ended.reason}. Its log is {log}.")
        return ended, facts

    def _overdrawn(self, child: Child, deadline: float) -> Outcome | None:
        """Why a child has to end now, if it has to."""
        if self._stopped.is_set():
            return _INTERRUPTED
        if time.monotonic() > deadline:
            return Outcome("timeout", f"stopped after {self.timeout:g} s")
        if self.memory_gb is not None:
            held = session_memory(child.pid) / 1e9
            if held > self.memory_gb:
                limit = f"{self.memory_gb:g} GB are allowed"
                return Outcome("oom", f"its processes held {held:.2f} GB of memory; {limit}")
        return None


_INTERRUPTED = Outcome("interrupted", "the run was interrupted")
_MODIFIED = (
    "code-modified: what it is made of was changed while it ran, and nobody knows which code made "
    "it; run the same command again"
)
_WITHOUT_TRACEBACK = ("timeout", "oom", "crashed")


def _lost(facts: Mapping[str, Any]) -> str:
    """Scores that cannot be kept, in words."""
    values = facts.get("values", {})
    found = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    return f" The scores that are not kept: {found}." if found else ""


def _read_outcome(path: Path, exit_status: int) -> tuple[Outcome, dict[str, Any]]:
    """Success is exit status 0 and a valid file; one of the two proves nothing."""
    if exit_status == 0:
        with suppress(OSError, ValueError, KeyError):
            found: dict[str, Any] = json.loads(path.read_bytes())
            path.unlink()
            if found["status"] == "ok" and isinstance(found["facts"], dict):
                return Outcome("ok"), found["facts"]
            return Outcome(str(found["status"]), str(found["reason"])), {}
    how = f"status {exit_status}"
    if exit_status < 0:
        how = f"signal {-exit_status} ({signal.Signals(-exit_status).name})"
    if exit_status == -signal.SIGKILL:
        how += ", as when the system is short of memory,"
    return Outcome("crashed", f"its process ended with {how} and no result"), {}
