"""Claims that end with whoever made them: who makes a result, and whose scratch folder is whose.

A claim is a file under an exclusive lock of the operating system. Unlike a file that is merely
there, it cannot outlive its owner: however a process ends, the next one gets the claim at once.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from zoo.harness.whole import saving

AGAIN = 0.2
"""Seconds between two looks at a claim that another run has."""


@dataclass(frozen=True)
class Claim:
    """A claim that is held.

    Args:
        path: Its file.
        descriptor: The open file whose lock it is.
        exclusive: Whether it is locked; some file systems know no locks.
    """

    path: Path
    descriptor: int
    exclusive: bool = True

    def release(self) -> None:
        """Give it up, and leave nothing behind."""
        with suppress(OSError):  # before the lock goes: the next one makes a new file
            self.path.unlink()
        os.close(self.descriptor)


def try_claim(path: Path) -> Claim | None:
    """Claim a file's name, unless somebody else has it.

    Where the file system knows no locks, everybody gets what they ask for: work is done twice,
    and the first result stays.

    Raises:
        OSError: If the file cannot be made.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return Claim(path, descriptor)
    except FileNotFoundError:  # its owner has just removed it: ask again
        pass
    except OSError as error:
        if error.errno != errno.EWOULDBLOCK:
            return Claim(path, descriptor, exclusive=False)
    os.close(descriptor)
    return None


@contextmanager
def claimed(path: Path, stopped: threading.Event) -> Iterator[Claim | None]:
    """Wait for a claim and hold it.

    Args:
        path: Its file; the folder is made.
        stopped: Ends the waiting.

    Yields:
        The claim; nothing if the waiting was ended.

    Raises:
        StoreError: If the file cannot be made.
    """
    with saving(path):
        path.parent.mkdir(exist_ok=True)
        claim = try_claim(path)
    while claim is None:
        if stopped.wait(AGAIN):
            yield None
            return
        with saving(path):
            claim = try_claim(path)
    try:
        yield claim
    finally:
        claim.release()


class Scratch:
    """A folder for what is in the making, which goes when its owner has gone.

    Args:
        parent: Where it lies, beside those of other runs.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(exist_ok=True)
        self.folder = parent / uuid.uuid4().hex
        while (claim := try_claim(_lock_of(self.folder))) is None:
            pass  # a run that sweeps has just seen the file
        self._claim = claim
        self.folder.mkdir()

    def new(self) -> Path:
        """A new empty folder in it.

        Raises:
            OSError: If it cannot be made, because the whole folder has vanished, say.
        """
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        return folder

    def end(self) -> None:
        """Remove it with all that is in it."""
        rmtree(self.folder, ignore_errors=True)
        self._claim.release()


def sweep(parent: Path) -> None:
    """Remove the scratch folders of owners that have ended without doing so."""
    for lock in parent.glob("*.lock"):
        with suppress(OSError):
            claim = try_claim(lock)
            if claim and claim.exclusive:
                rmtree(lock.with_suffix(""), ignore_errors=True)
                claim.release()


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(".lock")
