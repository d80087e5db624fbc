"""Child processes seen from the driver: start one, listen to it, end it, read its outcome.

Children come from multiprocessing's fork server, which has imported torch once, so that a
child starts in hundredths of a second and shares nothing with the driver but a pipe.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo.harness.child import OUTCOME, run_stage
from zoo.harness.stages import Stage, Tell
from zoo.harness.store import Result, Store

_PRELOAD = ["zoo.harness.child", "zoo.harness.clock", "zoo.harness.scoring"]
_CONTEXT = multiprocessing.get_context("forkserver")
# Whoever starts a process polls all others too, and of two polls at once one reads a wrong status.
_POLLING = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """How a stage ended.

    Args:
        status: `ok`, `error`, `crashed`, `timeout`, `oom`, `invalid` or `interrupted`.
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
    """

    store: Store
    machine: str
    threads: int = 1
    timeout: float = 3_600.0
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
        folder = self.store.scratch()
        start = time.monotonic()
        try:
            outcome = self._run(stage, folder, self.store.log_file(f"{stage.name}-{key}"), tell)
            if outcome["status"] != "ok":
                return Outcome(outcome["status"], outcome["reason"])
            where = {"stage_seconds": time.monotonic() - start, "machine": self.machine}
            facts = outcome["facts"] | where
            return Outcome("ok", result=self.store.keep(stage.name, key, folder, facts))
        finally:
            self.store.discard(folder)

    def _run(self, stage: Stage, folder: Path, log: Path, tell: Tell) -> dict[str, Any]:
        child = Child(run_stage, (stage, folder, log), self.threads)
        deadline = time.monotonic() + self.timeout
        try:
            while child.alive():
                if self._stopped.is_set():
                    return {"status": "interrupted", "reason": "the run was interrupted"}
                if time.monotonic() > deadline:
                    reason = f"stopped after {self.timeout:g} s. Its log is {log}."
                    return {"status": "timeout", "reason": reason}
                if (message := child.listen(0.2)) is not None:
                    tell(message)
        finally:
            child.end()
        return _read_outcome(folder / OUTCOME, child.exit_status, log)


def _read_outcome(path: Path, exit_status: int, log: Path) -> dict[str, Any]:
    """Success is exit status 0 and a valid file; one of the two proves nothing."""
    if exit_status == 0:
        with suppress(OSError, ValueError, KeyError):
            outcome: dict[str, Any] = json.loads(path.read_bytes())
            path.unlink()
            if outcome["status"] == "ok" and isinstance(outcome["facts"], dict):
                return outcome
            return {"status": str(outcome["status"]), "reason": str(outcome["reason"])}
    how = f"status {exit_status}"
    if exit_status < 0:
        how = f"signal {-exit_status} ({signal.Signals(-exit_status).name})"
    return {
        "status": "crashed",
        "reason": f"its process ended with {how} and no result. Its log is {log}.",
    }


class Child:
    """One child process with a pipe of JSON messages.

    Args:
        target: Function of `zoo.harness.child`, called with `args`, the pipe and `threads`.
        args: Its first arguments.
        threads: Threads torch may use.
    """

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...], threads: int) -> None:
        self._channel, theirs = _CONTEXT.Pipe()
        with _POLLING, _no_main_module():
            _CONTEXT.set_forkserver_preload(_PRELOAD)
            self._process = _CONTEXT.Process(target=target, args=(*args, theirs, threads))
            self._process.start()
        theirs.close()
        self._open = True

    @property
    def exit_status(self) -> int:
        """Exit status of the ended process; negative for a signal."""
        with _POLLING:
            status = self._process.exitcode
        return -signal.SIGKILL if status is None else status

    def alive(self) -> bool:
        """Whether it still runs, or has left messages nobody has heard."""
        with _POLLING:
            running = self._process.is_alive()
        return running or (self._open and self._channel.poll())

    def say(self, message: object) -> None:
        """Send a message; a child that is gone does not hear it."""
        with suppress(OSError):
            self._channel.send_bytes(json.dumps(message).encode())

    def listen(self, seconds: float) -> dict[str, Any] | None:
        """The next message, or `None` if none comes in time or the child is gone."""
        channels = [self._channel] if self._open else []
        if self._channel not in wait([self._process.sentinel, *channels], seconds):
            return None
        try:
            message = json.loads(self._channel.recv_bytes(maxlength=1 << 20))
        except (EOFError, OSError, ValueError):
            self._open = False
            return None
        return message if isinstance(message, dict) else None

    def end(self) -> None:
        """End it and everything it started, and reap it."""
        with _POLLING:
            if self._process.is_alive():
                self._process.terminate()
                self._process.join(0.5)
            if self._process.pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            if self._process.is_alive():
                self._process.kill()
            self._process.join()
        self._channel.close()


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the user's script, which multiprocessing would otherwise import in every child.

    Our children need nothing of it, and a script without a `__main__` guard would run twice.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
