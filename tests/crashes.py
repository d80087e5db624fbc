"""A store that dies, or fails, at each of its calls to the system in turn.

    python -m tests.crashes die FOLDER     # the process ends at the k-th call, folder by folder
    python -m tests.crashes fail FOLDER    # the disk is full at the k-th call

Each k has a folder and a process of its own: nothing is tidied up, and locks end with it.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from zoo.errors import StoreError, UsageError
from zoo.harness.store import Store
from zoo.harness.whole import saving

FACTS = {"seconds": 1.5}
DATA = {"weights.bin": b"weights" * 100, "more.bin": b"more" * 100}
ROW = {"model": "vae", "values": {"rg_w1": 0.25}}
BOARDS = ("an old board\n", "a new board\n")

DIED, SAID, UNREACHED = 9, 3, 7
"""Exit statuses; the last one where the run made fewer calls."""


def work(root: Path) -> None:
    """All that a run does to its folder: a result, its row, and a board in place of another."""
    store = Store(root).open()
    with store.claim("train-key", threading.Event()):
        folder = store.workplace("train", "key")
        for name, data in DATA.items():
            with saving(folder / name), (folder / name).open("wb") as file:
                file.write(data)
        store.keep("train", "key", folder, FACTS)
    store.keep_row("key", ROW)
    store.write("leaderboard.csv", BOARDS[1])


class System:
    """Counts calls to the system, and does something at one of them.

    Args:
        number: Which call, counted from 0.
        act: What is done.
    """

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self.left = number
        self._act = act
        for name in ("mkdir", "rename", "replace", "fsync", "unlink", "rmdir"):
            setattr(os, name, self._watched(getattr(os, name)))
        self._open = io.open
        io.open = self._opened

    def called(self) -> None:
        """Note a call, which may be the one."""
        self.left -= 1
        if self.left == -1:
            self._act()

    def _watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.called()
            return function(*args, **kwargs)

        return watched

    def _opened(self, *args: Any, **kwargs: Any) -> Any:
        mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
        if "w" not in mode:
            return self._open(*args, **kwargs)
        self.called()
        file = self._open(*args, **kwargs)
        return Torn(file, self)


class Torn:
    """A file whose writes get half way before the system is called.

    Args:
        file: The file.
        system: Is told.
    """

    def __init__(self, file: Any, system: System) -> None:
        self._file = file
        self._system = system

    def write(self, data: bytes) -> int:
        """Write one half, then the other."""
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._system.called()
        self._file.write(data[half:])
        return len(data)

    def __enter__(self) -> Torn:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def die() -> None:
    os._exit(DIED)


def fail() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def attempt(root: Path, number: int, act: Callable[[], None]) -> int:
    """Do the work in a process in which one call goes wrong; its exit status."""
    (root / "leaderboard.csv").write_text(BOARDS[0])
    child = os.fork()
    if child == 0:
        system = System(number, act)
        try:
            work(root)
        except (StoreError, UsageError):
            os._exit(SAID)
        os._exit(0 if system.left < 0 else UNREACHED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Try every call in turn, until one is not reached any more."""
    act = {"die": die, "fail": fail}[sys.argv[1]]
    for number in count():
        root = Path(sys.argv[2]) / str(number)
        root.mkdir(parents=True)
        status = attempt(root, number, act)
        sys.stdout.write(f"{number} {status}\n")
        sys.stdout.flush()
        if status == UNREACHED:
            return


if __name__ == "__main__":
    main()
