"""A file from the net that is known by its SHA-256: fetched once, and never another one."""

from __future__ import annotations

import hashlib
import os
import time
import urllib.request
import uuid
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from zoo.errors import UsageError
from zoo.polymer.files import impostor, read_bytes


@dataclass(frozen=True)
class Pinned:
    """A file as it was when somebody looked at it.

    Args:
        name: What it is called in the cache.
        url: Where it lies.
        sha256: Its SHA-256, in hex.
        size: Its size in bytes; no more are read.
        option: How to ask for a copy of one's own, for errors.
        timeout: Seconds that a download may take in all.
    """

    name: str
    url: str
    sha256: str
    size: int
    option: str
    timeout: float = 60.0

    def check(self, path: Path) -> Path:
        """See that a copy is the file.

        Args:
            path: The copy.

        Returns:
            The same path.

        Raises:
            UsageError: If it is missing or another file.
        """
        self._compare(read_bytes(path, max(self.size, 1 << 20)), str(path))
        return path

    def fetch(self) -> Path:
        """The file in the cache, downloaded if it is not there or damaged.

        Raises:
            UsageError: If it cannot be downloaded or stored, or what comes is another file.
        """
        path = cache_folder() / self.name
        try:
            return self.check(path)
        except UsageError:  # missing or damaged: a fresh copy will do
            raw = self._download()
        self._compare(raw, self.url)
        _write(path, raw)
        return path

    def _download(self) -> bytes:
        if os.environ.get("ZOO_OFFLINE", "") not in ("", "0"):
            raise UsageError(
                f"{self.name} is not in {str(cache_folder())!r}, and --offline or ZOO_OFFLINE "
                f"forbids to download it. Get it from {self.url} by other means, and name the "
                f"copy: {self.option}."
            )
        deadline = time.monotonic() + self.timeout
        raw = b""
        try:
            with urllib.request.urlopen(self.url, timeout=self.timeout / 3) as response:  # noqa: S310 - the URL is ours
                while len(raw) <= self.size and (part := response.read1(1 << 16)):
                    raw += part
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"not done after {self.timeout:g} s")
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
            raise UsageError(
                f"cannot download {self.url}: {error}. Get {self.name} from there by other means, "
                f"and name the copy: {self.option}."
            ) from error
        return raw

    def _compare(self, raw: bytes, origin: str) -> None:
        found = hashlib.sha256(raw).hexdigest()
        if found != self.sha256:
            what = impostor(raw) or f"its first {len(raw):,} bytes have the SHA-256 {found}"
            raise UsageError(
                f"{origin} is not {self.name}: {what}. Expected {self.size:,} bytes with the "
                f"SHA-256 {self.sha256}. Get the file itself, and name the copy: {self.option}."
            )


def cache_folder() -> Path:
    """Where downloads are kept: `ZOO_CACHE`, or `polymer-zoo` in the user's cache folder.

    Reference:
        XDG Base Directory Specification, version 0.8.
    """
    if own := os.environ.get("ZOO_CACHE"):
        return Path(own).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache") / "polymer-zoo"


def _write(path: Path, raw: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(raw)
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"cannot keep {path.name} in {str(path.parent)!r}: {error.strerror}. "
            "Name another folder in the environment variable ZOO_CACHE."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
