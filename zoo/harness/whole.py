"""Files that are there whole or not at all, and records that show when they were changed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.errors import StoreError


def write_whole(path: Path, data: bytes, folder: Path | None = None) -> None:
    """Write a file so that it is there whole or not at all.

    Args:
        path: The file.
        data: What will be in it.
        folder: Where it is while it is in the making; by default beside the file.

    Raises:
        OSError: If it cannot be written; an earlier one is then as it was.
    """
    temporary = (folder or path.parent) / f".{path.name}.{uuid.uuid4().hex[:8]}"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def reserve(path: Path, size: int) -> None:
    """Make a file of some bytes without writing them, where the file system can.

    Raises:
        OSError: If there is no room.
    """
    with path.open("wb") as file:
        file.write(b"x")
        file.flush()
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                    raise


@contextmanager
def saving(what: Path) -> Iterator[None]:
    """Say of what cannot be written what it is.

    Raises:
        StoreError: In place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"could not save {what}: {error.strerror or error}. Free some space, or choose another "
            "folder, and run the same command again."
        ) from None


def sync(path: Path) -> None:
    """See that a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON, in hex.

    Example:
        >>> digest({"b": 1, "a": (1, 2)}) == digest({"a": [1, 2], "b": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def as_json(value: object) -> Any:  # noqa: ANN401 - JSON
    """A value as it comes back from a file.

    Example:
        >>> as_json({"a": (1, 2), "b": b""})
        {'a': [1, 2], 'b': "b''"}
    """
    return json.loads(json.dumps(value, default=repr))


def seal(record: Mapping[str, Any]) -> str:
    """A record as JSON with its own digest.

    It says twice that it has one, at either end: no single change can make it look like a
    record that never had one.

    Raises:
        ValueError: If it holds NaN or infinity.
    """
    marked = {"sealed": True, **record}
    return json.dumps(marked | {"sha256": digest(marked)}, indent=1, allow_nan=False) + "\n"


def unseal(text: bytes) -> tuple[dict[str, Any], bool]:
    """A record, and whether it was sealed.

    Raises:
        ValueError: If it is no record, or not the one that was sealed.

    Example:
        >>> unseal(seal({"a": 1}).encode())
        ({'a': 1}, True)
        >>> unseal(seal({"a": 1}).replace("1", "2", 1).encode())
        Traceback (most recent call last):
        ValueError: its SHA-256 is another one
        >>> unseal(b'{"a": 1}')
        ({'a': 1}, False)
    """
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("it is no record")
    if "sealed" not in record and "sha256" not in record:
        return record, False
    if record.pop("sha256", None) != digest(record) or record.pop("sealed", None) is not True:
        raise ValueError("its SHA-256 is another one")
    return record, True
