"""What the processes of one user on one host share: a folder, and taking turns with the clock."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import UsageError
from zoo.harness.claims import AGAIN


def own_folder() -> Path:
    """A folder for temporary files on this host, which nobody else can write to.

    Raises:
        UsageError: If there is something of somebody else's in its place.
    """
    folder = Path(tempfile.gettempdir()) / f"zoo-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if about.st_uid != os.getuid() or about.st_mode & 0o022 or folder.is_symlink():
        raise UsageError(
            f"{str(folder)!r} belongs to somebody else, or others may write to it. Remove it, or "
            "have TMPDIR name another folder."
        )
    return folder


@contextmanager
def side_by_side(*, alone: bool, cancelled: Callable[[], bool]) -> Iterator[bool]:
    """Work beside others on this host, or wait until nothing of ours runs there, and keep it so.

    Two locks of the operating system, which end with their owner: work shares the second and
    passes through the first, so that whoever wants to be alone has to wait for no new work.

    Args:
        alone: Whether nothing else may run.
        cancelled: Ends the waiting.

    Yields:
        Whether it may begin; not, if the waiting was ended.
    """
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with _opened("gate.lock") as gate, _opened("work.lock") as work:
        begun = _locked(gate, kind, cancelled) and _locked(work, kind, cancelled)
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield begun


@contextmanager
def _opened(name: str) -> Iterator[int]:
    descriptor = os.open(own_folder() / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int, cancelled: Callable[[], bool]) -> bool:
    """Wait for a lock; whether it was got."""
    while not cancelled():
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        time.sleep(AGAIN)
    return False
