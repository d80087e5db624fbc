"""Where an installed distribution came from, and the line that would install it again."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote


def origin(distribution: metadata.Distribution, name: str) -> tuple[str, str]:
    """Where a distribution came from and how to ask for it again.

    What came from an index is named by its version; what came from a folder, an archive or a
    repository by its URL, as pip left it in `direct_url.json`.

    Args:
        distribution: What is installed.
        name: Its normalised name.

    Returns:
        Its source: a URL, or the folder it lies in. Then a line for a requirements file.

    Reference:
        Bidoul & Moore, PEP 610 (2019), "Recording the Direct URL Origin of installed
        distributions".

    Example:
        >>> source, line = origin(metadata.distribution("pluggy"), "pluggy")
        >>> line == f"pluggy=={metadata.version('pluggy')}"
        True
    """
    version = distribution.metadata["Version"]
    found = _direct_url(distribution)
    url = found.get("url")
    if not isinstance(url, str) or not re.fullmatch(r"[!-~]+", url):
        known = isinstance(version, str) and re.fullmatch(r"[\w.!+-]+", version)
        line = f"{name}=={version}" if known else f"# {name}: its version cannot be read"
        return str(distribution.locate_file("")), line
    if _part(found, "dir_info").get("editable") is True:
        return url, f"-e {url}"
    if isinstance(kind := _part(found, "vcs_info").get("vcs"), str):
        url = f"{quote(kind)}+{url}"
    url += _reference(found)
    return url, f"{name} @ {url}"


@cache
def is_modified(name: str) -> bool:
    """Whether Python files of an installed distribution are not what its installer wrote down.

    Its version says nothing then. Of one that is installed in place nothing is written down.

    Args:
        name: Its normalised name; what is no distribution is not modified.

    Reference:
        Holth, PEP 376 (2009) and PEP 427 (2012), the file RECORD.

    Example:
        >>> is_modified("pluggy"), is_modified("no-such-distribution")
        (False, False)
    """
    try:
        files = metadata.distribution(name).files or []
    except metadata.PackageNotFoundError:
        return False
    return any(_differs(file, file.hash) for file in files if file.hash and file.suffix == ".py")


def _differs(file: metadata.PackagePath, known: metadata.FileHash) -> bool:
    """Whether a file is not the one of its hash, which is Base64 without its padding."""
    try:
        found = hashlib.new(known.mode, Path(file.locate()).read_bytes()).digest()
    except (OSError, ValueError):
        return True
    return urlsafe_b64encode(found).decode().rstrip("=") != known.value


def _reference(found: Mapping[str, Any]) -> str:
    """What follows a URL, so that the very same is installed again."""
    marks = []
    revision = _part(found, "vcs_info").get("commit_id")
    folder = found.get("subdirectory")
    hashes = _part(_part(found, "archive_info"), "hashes")
    if isinstance(folder, str) and folder:
        marks.append(f"subdirectory={quote(folder)}")
    marks += [f"{quote(str(kind))}={quote(str(digest))}" for kind, digest in hashes.items()][:1]
    at = f"@{quote(revision)}" if isinstance(revision, str) else ""
    return at + (f"#{'&'.join(marks)}" if marks else "")


def _direct_url(distribution: metadata.Distribution) -> Mapping[str, Any]:
    try:
        found = json.loads(distribution.read_text("direct_url.json") or "{}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}
