"""Results that were sent to a worker which does not share the driver's disk.

They are kept for the jobs that follow, which mostly need the same, and the oldest go first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from zoo.errors import StoreError
from zoo.harness.claims import Scratch, sweep
from zoo.harness.hosts import own_folder
from zoo.harness.store import Result
from zoo.harness.whole import digest

MOST = 64
"""Results that are kept beyond those in use."""

Names = tuple[str, str]
"""Stage and key of a result."""


class Pantry:
    """The results that this process was sent.

    Args:
        parent: Where its folder will lie.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(exist_ok=True)
        sweep(parent / "tmp")
        self._scratch = Scratch(parent / "tmp")
        self._lock = threading.Lock()
        self._used: Counter[Path] = Counter()
        weakref.finalize(self, self._scratch.end)

    def new(self) -> Path:
        """A new empty folder, which goes with this process at the latest."""
        return self._scratch.new()

    @contextmanager
    def holding(
        self, needed: Iterable[Result], parcels: Mapping[Names, Mapping[str, bytes]]
    ) -> Iterator[dict[Names, Path]]:
        """Keep what a job needs until it is done.

        Args:
            needed: The results.
            parcels: Files of those that came with the job.

        Yields:
            Where those that are there lie.

        Raises:
            StoreError: If files that came are not those of the result.
        """
        with self._lock:
            found = {(one.stage, one.key): self._place(one, parcels) for one in needed}
            places = {names: place for names, place in found.items() if place is not None}
            self._used.update(places.values())
        try:
            yield places
        finally:
            with self._lock:
                self._used.subtract(places.values())
                self._trim()

    def _place(self, result: Result, parcels: Mapping[Names, Mapping[str, bytes]]) -> Path | None:
        place = self._scratch.folder / digest([result.stage, result.key, result.files])
        files = parcels.get((result.stage, result.key))
        if place.is_dir():
            os.utime(place)
        elif files is None:
            return None
        else:
            _check(result, files)
            folder = self.new()
            for name, content in files.items():
                (folder / name).write_bytes(content)
            folder.rename(place)
        return place

    def _trim(self) -> None:
        """Let go of what nobody has used for longest."""
        shelf = [path for path in self._scratch.folder.iterdir() if len(path.name) == 64]
        idle = [path for path in shelf if not self._used[path]]
        for path in sorted(idle, key=lambda path: path.stat().st_mtime)[:-MOST]:
            shutil.rmtree(path, ignore_errors=True)


def _check(result: Result, files: Mapping[str, bytes]) -> None:
    found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if found != result.files:
        raise StoreError(
            f"what was sent as {result.stage}/{result.key} is not what was kept: its SHA-256 is "
            "another one. Run the same command again."
        )


def pantry() -> Pantry:
    """That of this process, whose threads share it."""
    with _FIRST:
        return _pantry()


_FIRST = threading.Lock()


@cache
def _pantry() -> Pantry:
    return Pantry(own_folder())
