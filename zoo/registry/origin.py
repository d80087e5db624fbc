"""Where an installed distribution came from, and the line that would install it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from typing import Any


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
    version = distribution.metadata["Version"] or "?"
    found = _direct_url(distribution)
    url = found.get("url")
    if not isinstance(url, str) or not url.isprintable():
        return str(distribution.locate_file("")), f"{name}=={version}"
    if _part(found, "dir_info").get("editable") is True:
        return url, f"-e {url}"
    repository = _part(found, "vcs_info")
    if repository:
        url = f"{repository.get('vcs')}+{url}@{repository.get('commit_id')}"
    return url, f"{name} @ {url}"


def _direct_url(distribution: metadata.Distribution) -> Mapping[str, Any]:
    try:
        found = json.loads(distribution.read_text("direct_url.json") or "{}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}
