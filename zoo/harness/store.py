"""The folder that keeps every finished result: one immutable folder each, and one file a row.

A result appears whole or not at all: its files are written elsewhere, synced, and renamed
into place. Only the driver writes here. Every file's SHA-256 is kept beside it; a result
that no longer matches is set aside and made again, never scored.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.errors import StoreError, UsageError

RECORD = "result.json"


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
    """

    stage: str
    key: str
    folder: Path
    facts: dict[str, Any]
    files: dict[str, str]
    made: str


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON, in hex.

    Example:
        >>> digest({"b": 1, "a": (1, 2)}) == digest({"a": [1, 2], "b": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Store:
    """A results folder.

    Args:
        root: The folder; `open` makes it, reading does not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self) -> Store:
        """Make the folder if it is missing, and see that it can be written.

        Raises:
            UsageError: If it cannot.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.scratch()
            write_whole(probe / "probe", b"x")
            shutil.rmtree(probe)
        except OSError as error:
            raise UsageError(
                f"cannot write to the output folder {str(self.root)!r}: {error.strerror}. "
                "Choose a folder you may write with --out."
            ) from None
        return self

    def scratch(self) -> Path:
        """A new empty folder, on the same file system, for a result in the making."""
        folder = self.root / "tmp" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def find(self, stage: str, key: str) -> Result | None:
        """The kept result of a stage, or `None`; a damaged one is set aside first."""
        folder = self.root / stage / key
        if not folder.is_dir():
            return None
        with suppress(StoreError):
            return self.check(stage, key)
        aside = self.root / "damaged" / f"{stage}-{key}-{uuid.uuid4().hex[:8]}"
        aside.parent.mkdir(exist_ok=True)
        folder.rename(aside)
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
            files = {name: _sha256(folder / name) for name in record["files"]}
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
        return Result(stage, key, folder, facts, files, made)

    def keep(self, stage: str, key: str, folder: Path, facts: Mapping[str, Any]) -> Result:
        """Move a finished scratch folder to its place.

        Raises:
            StoreError: If the result could not be saved.
        """
        target = self.root / stage / key
        try:
            names = sorted(path.name for path in folder.iterdir())
            files = {name: _sha256(folder / name) for name in names}
            for name in names:
                _sync(folder / name)
            record = {"key": key, "made": now(), "files": files, "facts": dict(facts)}
            sealed = record | {"sha256": digest(record)}
            write_whole(folder / RECORD, json.dumps(sealed, indent=1, allow_nan=False).encode())
            target.parent.mkdir(exist_ok=True)
            folder.rename(target)
            _sync(target.parent)
        except OSError as error:
            if target.is_dir() and (kept := self.find(stage, key)):  # another run was first
                shutil.rmtree(folder, ignore_errors=True)
                return kept
            raise StoreError(
                f"could not save {target}: {error.strerror}. The result is lost; "
                "free some space or choose another --out and run the same command again."
            ) from None
        return Result(stage, key, target, dict(facts), files, str(record["made"]))

    def forget(self, stage: str, key: str) -> None:
        """Remove a kept result, if there is one, to make room for a better one."""
        shutil.rmtree(self.root / stage / key, ignore_errors=True)

    def discard(self, folder: Path) -> None:
        """Remove a scratch folder that came to nothing."""
        shutil.rmtree(folder, ignore_errors=True)

    def log_file(self, name: str) -> Path:
        """Where a job's output goes."""
        folder = self.root / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def keep_row(self, key: str, row: Mapping[str, Any]) -> None:
        """Write one row of the board, whole.

        Raises:
            StoreError: If it could not be saved.
        """
        self.write(f"rows/{key}.json", json.dumps(row, indent=1, allow_nan=False) + "\n")

    def write(self, name: str, text: str) -> Path:
        """Write one text file of the folder, whole.

        Raises:
            StoreError: If it could not be saved.
        """
        path = self.root / name
        try:
            path.parent.mkdir(exist_ok=True)
            write_whole(path, text.encode())
        except OSError as error:
            raise StoreError(f"could not save {path}: {error.strerror}.") from None
        return path

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows kept, in the order of their keys; an unreadable file is passed over."""
        yield from self.keyed_rows().values()

    def keyed_rows(self) -> dict[str, dict[str, Any]]:
        """All rows kept by their keys, in order; an unreadable file is passed over."""
        rows = {}
        for path in sorted((self.root / "rows").glob("*.json")):
            with suppress(OSError, ValueError):
                row = json.loads(path.read_bytes())
                if isinstance(row, dict):
                    rows[path.stem] = row
        return rows


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
