"""A child process seen from the driver: start it, listen to it, keep its output, end it.

Children come from multiprocessing's fork server, which has imported torch once, so that a
child starts in hundredths of a second and shares nothing with the driver but two pipes: one
for messages, one for whatever is printed.
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
from multiprocessing import reduction, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

LOG_BYTES = 10_000_000
"""Most bytes of output that are kept of a child."""

GRACE = 2.0
"""Seconds between asking a child to end and killing it."""

DUMP = 0.3
"""Seconds in which a child that hangs may write down where it is."""

# The last is what torch's optimizers import when one is first made: a second of every training.
_PRELOAD = ["zoo.harness.child", "zoo.harness.clock", "zoo.harness.scoring", "torch._dynamo"]
_CONTEXT = multiprocessing.get_context("forkserver")
# Whoever starts a process polls all others too, and of two polls at once one reads a wrong status.
_POLLING = threading.Lock()


class Held:
    """An open file that a child holds as well, from its start to its end.

    Args:
        descriptor: The file.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[[Any], Held], tuple[Any]]:
        """Travel with a child that is being started."""
        return _received, (reduction.DupFd(self.descriptor),)


def _received(duplicate: Any) -> Held:  # noqa: ANN401 - of a class without a public name
    return Held(duplicate.detach())


class CappedLog:
    """A file that grows up to a limit; what comes then is dropped.

    Args:
        path: The file; what it holds already counts.
        most: Bytes that are written at most, but for notes.
    """

    def __init__(self, path: Path, most: int = LOG_BYTES) -> None:
        self._path = path
        self._most = most
        self._left = most - (path.stat().st_size if path.exists() else 0)

    def write(self, data: bytes) -> None:
        """Write what still fits."""
        if self._left > 0:
            self._put(data[: self._left])
            if len(data) > self._left:
                self.note(f"output beyond {self._most:,} bytes is dropped")
        self._left -= len(data)

    def note(self, text: str) -> None:
        """Write a line of ours."""
        self._put(f"\n[zoo] {text}\n".encode(errors="replace"))

    def _put(self, data: bytes) -> None:
        with suppress(OSError), self._path.open("ab") as file:  # a full disk is told of elsewhere
            file.write(data)


class Child:
    """One child process with a pipe of JSON messages, and one for its output.

    Args:
        target: Function of `zoo.harness.child`, called with `args`, its pipes and `threads`.
        args: Its first arguments.
        threads: Threads torch may use.
        log: File for its output.
    """

    def __init__(
        self, target: Callable[..., None], args: tuple[Any, ...], threads: int, log: Path
    ) -> None:
        self.log = CappedLog(log)
        self._channel, theirs = _CONTEXT.Pipe()
        self._output, out = _CONTEXT.Pipe(duplex=False)
        with _POLLING, _no_main_module(), _may_have_children(), _no_interrupt():
            _CONTEXT.set_forkserver_preload(_PRELOAD)
            self._process = _CONTEXT.Process(target=target, args=(*args, (theirs, out), threads))
            self._process.start()
        theirs.close()
        out.close()
        os.set_blocking(self._output.fileno(), False)
        self._open: list[Connection] = [self._channel, self._output]
        self._ended = False

    @property
    def pid(self) -> int:
        """Its number, which is that of its process group and session as well."""
        return self._process.pid or 0

    @property
    def exit_status(self) -> int:
        """Exit status of the ended process; negative for a signal."""
        with _POLLING:
            status = self._process.exitcode
        return -signal.SIGKILL if status is None else status

    def alive(self) -> bool:
        """Whether it still runs, or has left messages nobody has heard."""
        return self._runs() or (self._channel in self._open and self._channel.poll())

    def say(self, message: object) -> None:
        """Send a message; a child that is gone does not hear it."""
        with suppress(OSError):
            self._channel.send_bytes(json.dumps(message).encode())

    def listen(self, seconds: float) -> dict[str, Any] | None:
        """The next message, or `None` if there is none yet; output goes to the log meanwhile."""
        ready = wait([self._process.sentinel, *self._open], seconds)
        if self._output in ready:
            self._pump()
        if self._channel not in ready:
            return None
        try:
            message = json.loads(self._channel.recv_bytes(maxlength=1 << 20))
        except (EOFError, OSError, ValueError):
            self._open.remove(self._channel)
            return None
        return message if isinstance(message, dict) else None

    def end(self, *, hangs: bool = False) -> None:
        """End it and everything it started, and reap it.

        Args:
            hangs: Whether to have it write down first where it is.
        """
        if self._ended:
            return
        self._ended = True
        if hangs and self._runs():
            self._signal(os.kill, signal.SIGUSR1)
            self._wait(DUMP)
        if self._runs():
            self._signal(os.killpg, signal.SIGTERM)
            self._wait(GRACE)
        self._signal(os.killpg, signal.SIGKILL)
        with _POLLING:
            if self._process.is_alive():  # it had not even come to lead a group of its own
                self._process.kill()
            self._process.join()
        while self._output in self._open and self._pump():
            pass
        self._channel.close()
        self._output.close()
        self._open = []

    def _runs(self) -> bool:
        with _POLLING:
            return self._process.is_alive()

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):
                send(self.pid, number)

    def _wait(self, seconds: float) -> None:
        """Give it time to end, and read on: who writes into a full pipe cannot end."""
        deadline = time.monotonic() + seconds
        while self._runs() and (left := deadline - time.monotonic()) > 0:
            output = [self._output] if self._output in self._open else []
            if self._output in wait([self._process.sentinel, *output], left):
                self._pump()

    def _pump(self) -> bool:
        """Take output from the pipe to the log; whether there was any."""
        try:
            data = os.read(self._output.fileno(), 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self._open.remove(self._output)
        self.log.write(data)
        return bool(data)


@contextmanager
def _may_have_children() -> Iterator[None]:
    """Start children from a daemon as well, as workers of an engine are; ours end with it anyhow.

    A child would be a daemon too, and a plugin in it could start no process.
    """
    process = multiprocessing.current_process()
    before = process.daemon
    if before:
        process.daemon = False
    try:
        yield
    finally:
        if before:
            process.daemon = True


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keep Ctrl-C from the fork server, which starts here: it is the driver's to answer."""
    resource_tracker.ensure_running()  # whose start would let the signal in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
