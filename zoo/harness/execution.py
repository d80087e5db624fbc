"""Stages of a run: find what is kept, else have an engine make it, and keep it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.engine import Engine, Local
from zoo.errors import StoreError
from zoo.harness.attempt import INTERRUPTED, Ending, Limits
from zoo.harness.claims import Claim
from zoo.harness.errand import Errand, Home, Report
from zoo.harness.process import Held
from zoo.harness.stages import Stage, Tell, device_of, is_outdated
from zoo.harness.store import Result, Store

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
    """Has stages made and keeps what they give.

    Args:
        store: Where results are kept.
        machine: What machine this is, in a line, for the record.
        limits: What a child process may use.
        engine: Where they are made.
    """

    store: Store
    machine: str
    limits: Limits = field(default_factory=Limits)
    engine: Engine = field(default_factory=Local)
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
        folder, outcome = self.store.workplace(stage.name, key), _INTERRUPTED
        try:
            log = self.store.log_file(f"{stage.name}-{key}")
            home = Home(Held(claim.descriptor), tell, self._stopped)
            report = self._send(stage, folder, log, home)
            outcome = _outcome(report.ending, log)
            if outcome.status == "ok" and (stage.key != key or is_outdated(stage)):
                outcome = Outcome("invalid", _MODIFIED)
            if outcome.status != "ok":
                self.store.probe()  # a full disk is no fault of the plugin
                return outcome
            facts = report.ending.facts
            facts |= {"stage_seconds": report.seconds, "machine": report.machine}
            try:
                result = self.store.keep(stage.name, key, folder, facts, stage.depends_on)
            except StoreError as error:
                raise StoreError(f"{error}{_lost(facts)}") from None
            return Outcome("ok", result=result)
        finally:
            end = self.store.leave if outcome.status in GOES_ON else self.store.discard
            end(folder)

    def _send(self, stage: Stage, folder: Path, log: Path, home: Home) -> Report:
        """Have the engine make a stage, and wait for what comes of it."""
        errand = Errand(stage, folder, log, self.limits, self.machine, home)
        return self.engine.submit(errand, device=device_of(stage)).result()


_INTERRUPTED = Outcome(INTERRUPTED.status, INTERRUPTED.reason)
_MODIFIED = (
    "code-modified: what it is made of was changed while it ran, and nobody knows which code made "
    "it; run the same command again"
)
_WITHOUT_TRACEBACK = ("timeout", "oom", "crashed")


def _outcome(ending: Ending, log: Path) -> Outcome:
    """How an attempt ended, and where to read more if its last words do not say why."""
    more = f". Its log is {log}." if ending.status in _WITHOUT_TRACEBACK else ""
    return Outcome(ending.status, f"{ending.reason}{more}")


def _lost(facts: Mapping[str, Any]) -> str:
    """Scores that cannot be kept, in words."""
    values = facts.get("values", {})
    found = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    return f" The scores that are not kept: {found}." if found else ""
