"""The folder that keeps every finished result: one immutable folder each, and one file a row.

A result appears whole or not at all: its files are written elsewhere, synced, and renamed
into place. Only the driver writes here. Every file's SHA-256 is kept beside it; a result
that no longer matches is set aside and made again, never scored.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import uuid
import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.errors import StoreError, UsageError
from zoo.harness.claims import Claim, Scratch, claimed, sweep
from zoo.harness.rowfile import find_row
from zoo.harness.whole import as_json, digest, reserve, saving, seal, sha256_of, sync, write_whole

RECORD = "result.json"

PROBE = 1 << 24
"""Bytes that must go into the folder before any work begins, and after a failure."""

CHECKPOINT = "checkpoint-"
"""How the names of files begin that a stage may go on from."""

_LOG = logging.getLogger("zoo")


@dataclass(frozen=True)
class Result:
    """A finished stage.

    Args:
        stage: Name of the stage.
        key: Digest of everything that could change the result.
        folder: Where its files lie.
        facts: What the stage had to say in numbers and words.
        files: SHA-256 of every file but the record itself.
        made: When it was made, ISO 8601 in UTC.
        identity: What its key is the digest of; empty where it was not kept.
    """

    stage: str
    key: str
    folder: Path
    facts: dict[str, Any]
    files: dict[str, str]
    made: str
    identity: dict[str, Any] = field(default_factory=dict)


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Store:
    """A results folder.

    What is damaged is said to the logger `zoo`.

    Args:
        root: The folder; `open` makes it, reading does not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._scratch: Scratch | None = None
        self._lock = threading.Lock()

    def open(self) -> Store:
        """Make the folder if it is missing, and see that it can be written.

        Raises:
            UsageError: If it cannot.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            sweep(self.root / "tmp")
            self.probe()
        except (OSError, StoreError) as error:
            why = str(error) if isinstance(error, StoreError) else f"{error.strerror}."
            raise UsageError(
                f"cannot write to the output folder {str(self.root)!r}: {why} "
                "Choose a folder you may write with --out."
            ) from None
        return self

    def probe(self) -> None:
        """See that there is room for a result.

        Raises:
            StoreError: If there is not.
        """
        probe = self.scratch()
        with saving(self.root):
            reserve(probe / "probe", PROBE)
        self.discard(probe)

    def scratch(self) -> Path:
        """A new empty folder, on the same file system, for a result in the making.

        Raises:
            StoreError: If it cannot be made.
        """
        with saving(self.root):
            return self.own().new()

    def own(self) -> Scratch:
        """What this run alone writes in, and what goes with it."""
        with self._lock:
            if self._scratch is None:
                self._scratch = Scratch(self.root / "tmp")
                weakref.finalize(self, self._scratch.end)
            return self._scratch

    def workplace(self, stage: str, key: str) -> Path:
        """The folder in which a stage is made; checkpoints of an earlier attempt are in it.

        Raises:
            StoreError: If it cannot be made.
        """
        folder = self.root / "unfinished" / f"{stage}-{key}"
        with saving(folder):
            folder.parent.mkdir(exist_ok=True)
            folder.mkdir(exist_ok=True)
            _remove_unfinished(folder)
        return folder

    def leave(self, folder: Path) -> None:
        """Leave a workplace to a later attempt, with nothing but its checkpoints."""
        with suppress(OSError):
            _remove_unfinished(folder)
            folder.rmdir()  # if it is empty

    def claim(self, name: str, stopped: threading.Event) -> AbstractContextManager[Claim | None]:
        """Wait until no other run is at work on something, and claim it; see `claimed`."""
        return claimed(self.root / "claims" / name, stopped)

    def find(self, stage: str, key: str) -> Result | None:
        """The kept result of a stage, or `None`; a damaged one is named and set aside first."""
        folder = self.root / stage / key
        if not folder.is_dir():
            return None
        try:
            return self.check(stage, key)
        except StoreError as fault:
            aside = self.root / "damaged" / f"{stage}-{key}-{uuid.uuid4().hex[:8]}"
            with suppress(OSError):  # another run has been quicker
                aside.parent.mkdir(exist_ok=True)
                folder.rename(aside)
            _LOG.warning("%s It is set aside in %s, and made again.", fault, aside)
        return None

    def check(self, stage: str, key: str) -> Result:
        """The kept result of a stage, if it is whole. Nothing is moved or written.

        Raises:
            StoreError: If it is missing or damaged.
        """
        folder = self.root / stage / key
        try:
            record = json.loads((folder / RECORD).read_bytes())
            intact = record.pop("sha256") == digest(record) and record["key"] == key
            files = {name: sha256_of(folder / name) for name in record["files"]}
            facts, made = record["facts"], record["made"]
        except OSError as error:
            where = error.filename or folder
            raise StoreError(f"cannot read {str(where)!r}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            intact = False
        wrong = [] if not intact else [n for n in files if files[n] != record["files"][n]]
        if not intact or wrong:
            path = folder / (wrong[0] if wrong else RECORD)
            raise StoreError(f"{str(path)!r} is not what was kept: its SHA-256 is another one.")
        return Result(stage, key, folder, facts, files, made, record.get("identity", {}))

    def keep(
        self,
        stage: str,
        key: str,
        folder: Path,
        facts: Mapping[str, Any],
        identity: Mapping[str, Any] | None = None,
    ) -> Result:
        """Move a finished scratch folder to its place.

        Args:
            stage: Name of the stage.
            key: Its key.
            folder: The scratch folder.
            facts: What the stage had to say.
            identity: What the key is the digest of.

        Raises:
            StoreError: If the result could not be saved.
        """
        target, known = self.root / stage / key, as_json(identity or {})
        try:
            names = sorted(path.name for path in folder.iterdir())
            files = {name: sha256_of(folder / name) for name in names}
            for name in names:
                sync(folder / name)
            record = {"key": key, "made": now(), "files": files, "facts": dict(facts)}
            record |= {"identity": known} if known else {}
            sealed = record | {"sha256": digest(record)}
            write_whole(folder / RECORD, json.dumps(sealed, indent=1, allow_nan=False).encode())
            target.parent.mkdir(exist_ok=True)
            folder.rename(target)
            sync(target.parent)
        except OSError as error:
            if target.is_dir() and (kept := self.find(stage, key)):  # another run was first
                shutil.rmtree(folder, ignore_errors=True)
                return kept
            raise StoreError(
                f"could not save {target}: {error.strerror}. The result is lost; "
                "free some space or choose another --out and run the same command again."
            ) from None
        return Result(stage, key, target, dict(facts), files, str(record["made"]), known)

    def forget(self, stage: str, key: str) -> None:
        """Remove a kept result, if there is one, to make room for a better one."""
        shutil.rmtree(self.root / stage / key, ignore_errors=True)

    def discard(self, folder: Path) -> None:
        """Remove a folder that came to nothing."""
        shutil.rmtree(folder, ignore_errors=True)

    def log_file(self, name: str) -> Path:
        """Where a job's output goes.

        Raises:
            StoreError: If there is no room for it.
        """
        folder = self.root / "logs"
        with saving(folder):
            folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def keep_row(self, key: str, row: Mapping[str, Any]) -> None:
        """Write one row of the board, whole and sealed.

        Raises:
            StoreError: If it could not be saved.
        """
        self.write(f"rows/{key}.json", seal(row))

    def forget_row(self, key: str) -> None:
        """Remove a row, if there is one, that another one has taken the place of."""
        with suppress(OSError):
            (self.root / "rows" / f"{key}.json").unlink(missing_ok=True)

    def write(self, name: str, text: str) -> Path:
        """Write one text file of the folder, whole.

        Raises:
            StoreError: If it could not be saved.
        """
        path = self.root / name
        with saving(path):
            path.parent.mkdir(exist_ok=True)
            write_whole(path, text.encode(), self.own().folder)
        return path

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows kept, in the order of their keys; see `keyed_rows`."""
        yield from self.keyed_rows().values()

    def keyed_rows(self) -> dict[str, dict[str, Any]]:
        """All rows kept by their keys, in order; what is no row is named and passed over.

        Raises:
            UsageError: If a newer version has written one.
        """
        keys = sorted(path.stem for path in (self.root / "rows").glob("*.json"))
        return {key: row for key in keys if (row := self.row(key))}

    def row(self, key: str) -> dict[str, Any]:
        """One row, as `keyed_rows` has it; empty if there is none."""
        return find_row(self.root / "rows" / f"{key}.json")


def _remove_unfinished(folder: Path) -> None:
    for path in folder.iterdir():
        if not path.name.startswith(CHECKPOINT):
            path.unlink()
