"""What the driver hands to an engine: a stage to be made, and what comes back of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from zoo.harness.attempt import Ending, Limits, attempt
from zoo.harness.child import Place
from zoo.harness.stages import Stage, Tell


@dataclass(frozen=True)
class Home:
    """What the process that waits for a job has for it; none of it travels.

    Args:
        claim: The claim to the stage's folder.
        tell: Takes the messages of the stage.
        stopped: Set when the run is stopped.
    """

    claim: object = None
    tell: Tell = lambda _message: None
    stopped: threading.Event = field(default_factory=threading.Event)

    def __reduce__(self) -> tuple[type[Home], tuple[()]]:
        """Stay where it is."""
        return Home, ()


@dataclass(frozen=True)
class Report:
    """What comes back.

    Args:
        ending: How the stage ended.
        seconds: How long it took.
        machine: What machine it was made on, in a line.
    """

    ending: Ending
    seconds: float
    machine: str


@dataclass(frozen=True)
class Errand:
    """One stage to be made by an engine.

    Args:
        stage: What to do.
        folder: Where its files go.
        log: Where its output goes.
        limits: What it may use.
        machine: What machine the driver is on, in a line.
        home: What it has where it comes from.
    """

    stage: Stage
    folder: Path
    log: Path
    limits: Limits
    machine: str
    home: Home

    def __call__(self, cancelled: Callable[[], bool]) -> Report:
        """Make the stage."""
        start, home = time.monotonic(), self.home
        place = Place(self.folder, self.limits.timeout, home.claim)

        def stopped() -> bool:
            return home.stopped.is_set() or cancelled()

        ending = attempt(self.stage, place, self.log, self.limits, stopped=stopped, tell=home.tell)
        return Report(ending, time.monotonic() - start, self.machine)
