"""Stages of a run: find what is kept, else have an engine make it, and keep it."""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.engine import Engine, Local
from zoo.errors import LostError, StoreError, UsageError
from zoo.harness.attempt import INTERRUPTED, LOOK, Ending, Limits
from zoo.harness.claims import Claim
from zoo.harness.engines import answer
from zoo.harness.errand import Errand, Home, Making, Report
from zoo.harness.parcels import clear_attempts, packed, unpacked, with_parcels
from zoo.harness.process import Held
from zoo.harness.stages import Stage, Tell, device_of, is_outdated
from zoo.harness.store import CHECKPOINT, Result, Store
from zoo.harness.whole import saving

GOES_ON = ("interrupted", "crashed")
"""How a stage may end and go on from its last checkpoint when it is asked for again."""

LOOK_AFTER = 5.0
"""Seconds between two looks at a host that has to stay: they would disturb what is timed there."""


@dataclass(frozen=True)
class Outcome:
    """How a stage ended.

    Args:
        status: `ok`, `error`, `crashed`, `timeout`, `oom`, `invalid`, `interrupted` or `skipped`.
        reason: One sentence where the status is not `ok`.
        result: What was kept where it is.
        cached: Whether it was kept before.
        host: Where it was made, if not here.
    """

    status: str
    reason: str = ""
    result: Result | None = None
    cached: bool = False
    host: str = ""


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
            home = Home(here=True, claim=Held(claim.descriptor), tell=tell, stopped=self._stopped)
            report = self.send(Making((stage,), folder, log, self.limits, self.machine, home))
            outcome = _outcome(report, log)
            if outcome.status == "ok" and (stage.key != key or is_outdated(stage)):
                outcome = Outcome("invalid", _MODIFIED)
            if outcome.status != "ok":
                self.store.probe()  # a full disk is no fault of the plugin
                return outcome
            facts = report.ending.facts | {
                "stage_seconds": report.seconds,
                "machine": report.machine,
                "host": report.host or platform.node(),
            }
            for path in folder.glob(f"{CHECKPOINT}*"):  # one elsewhere has gone on from copies
                path.unlink(missing_ok=True)
            try:
                result = self.store.keep(stage.name, key, folder, facts, stage.depends_on)
            except StoreError as error:
                raise StoreError(f"{error}{_lost(facts)}") from None
            return replace(outcome, result=result)
        finally:
            clear_attempts(folder, self.store.own().folder)
            end = self.store.leave if outcome.status in GOES_ON else self.store.discard
            end(folder)

    def send(self, errand: Errand, host: str = "") -> Report:
        """Have the engine do an errand, and bring home what comes of it.

        Args:
            errand: What to do.
            host: Where it has to be done, if not anywhere.

        Raises:
            UsageError: If a worker is not set up like this machine.
            StoreError: If what comes could not be written.
        """
        errand, device = packed(errand, self.store.own().folder), device_of(errand.stages[0])
        errand.home.tell({})  # from afar there is nothing more to be heard
        with saving(errand.log):
            errand.log.unlink(missing_ok=True)
        while True:
            report = self._wait(self.engine.submit(errand, device=device, host=host), device, host)
            if report.refused:
                raise UsageError(
                    f"worker {report.host} is not set up like this machine: {report.refused}. "
                    "Install the same there, see `zoo plugins --requirements`."
                )
            if not report.missing:
                return unpacked(report, errand)
            errand = with_parcels(errand, report.missing)

    def _wait(self, future: Future[Report], device: str, host: str) -> Report:
        """What comes of an errand, unless the run is stopped, or the host that it needs is gone."""
        try:
            while not wait([future], LOOK_AFTER if host else LOOK).done:
                if self._stopped.is_set() and future.cancel():
                    return Report(INTERRUPTED)
                if host and host not in self.engine.slots(device):
                    return Report(Ending("crashed", f"host {host} is gone"))
            return answer(future)
        except LostError as error:
            return Report(Ending("crashed", str(error)))
        finally:
            future.cancel()


_INTERRUPTED = Outcome(INTERRUPTED.status, INTERRUPTED.reason)
_MODIFIED = (
    "code-modified: what it is made of was changed while it ran, and nobody knows which code made "
    "it; run the same command again"
)
_WITHOUT_TRACEBACK = ("timeout", "oom", "crashed")


def _outcome(report: Report, log: Path) -> Outcome:
    """How an errand ended, and where to read more if its last words do not say why."""
    ending = report.ending
    more = f". Its log is {log}." if ending.status in _WITHOUT_TRACEBACK and log.exists() else ""
    return Outcome(ending.status, f"{ending.reason}{more}", host=report.host)


def _lost(facts: Mapping[str, Any]) -> str:
    """Scores that cannot be kept, in words."""
    values = facts.get("values", {})
    found = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    return f" The scores that are not kept: {found}." if found else ""
