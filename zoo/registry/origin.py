"""Where an installed distribution came from, and the line that would install it again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import metadata
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
