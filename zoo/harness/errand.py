"""What the driver hands to an engine, stages to be made, and what comes back of them."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from zoo.harness.attempt import Ending, Limits, attempt
from zoo.harness.child import Place
from zoo.harness.stages import Stage, Tell

Parcels = Mapping[tuple[str, str], Mapping[str, bytes]]
"""Files of results that a worker cannot see, by stage and key, and by their names."""


@dataclass(frozen=True)
class Home:
    """What the process that waits for a job has for it; none of it travels.

    Args:
        here: Whether this is that process.
        claim: The claim to the stage's folder.
        tell: Takes the messages of the stage.
        stopped: Set when the run is stopped.
    """

    here: bool = False
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
        ending: How the work ended.
        seconds: How long it took.
        machine: What machine it was done on, in a line.
        host: Name of that machine, if it is another process that tells.
        log: What is to go to the log.
        folder: Where files lie that the driver can take; `None` if it has them already.
        files: Names of the files that were left, with their content if the driver cannot see them.
        refused: In what this worker differs from the driver, so that nothing was done.
        missing: Results that have to be sent along, so that nothing was done.
    """

    ending: Ending
    seconds: float = 0.0
    machine: str = ""
    host: str = ""
    log: bytes = b""
    folder: Path | None = None
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    refused: str = ""
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Errand(ABC):
    """Stages to be worked on by an engine.

    Args:
        stages: The stages.
        folder: Where files go at home, and where checkpoints may be.
        log: Where output goes at home.
        limits: What a child may use.
        machine: What machine the driver is on, in a line.
        home: What it has where it comes from.
        scratch: Folder of the driver's own that nobody has who does not share its disk.
        expected: What the stages depend on, as the driver knows it; see `zoo.harness.away`.
        parcels: What cannot be seen from where it goes.
    """

    alone: ClassVar[bool]
    """Whether nothing else of ours may run on the host meanwhile."""

    stages: tuple[Stage, ...]
    folder: Path
    log: Path
    limits: Limits
    machine: str
    home: Home
    scratch: Path = Path()
    expected: tuple[dict[str, Any], ...] = ()
    parcels: Parcels = field(default_factory=dict)

    def __call__(self, cancelled: Callable[[], bool]) -> Report:
        """Do it here, or wherever here is now."""
        if not self.home.here:
            from zoo.harness.away import carry_out

            return carry_out(self, cancelled)
        start, home = time.monotonic(), self.home

        def stopped() -> bool:
            return home.stopped.is_set() or cancelled()

        ending = self.work(self.stages, self.folder, self.log, stopped)
        return Report(ending, time.monotonic() - start, self.machine)

    @abstractmethod
    def work(
        self, stages: tuple[Stage, ...], folder: Path, log: Path, stopped: Callable[[], bool]
    ) -> Ending:
        """Do it, with these stages in this place.

        Raises:
            StoreError: If there is no writing to the log.
        """


@dataclass(frozen=True)
class Making(Errand):
    """One stage to be made."""

    alone: ClassVar[bool] = False

    def work(
        self, stages: tuple[Stage, ...], folder: Path, log: Path, stopped: Callable[[], bool]
    ) -> Ending:
        """Make it in a child."""
        place = Place(folder, self.limits.timeout, self.home.claim)
        tell = self.home.tell
        return attempt(stages[0], place, log, self.limits, stopped=stopped, tell=tell)
