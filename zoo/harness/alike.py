"""Whether a worker is set up like the driver: every version and every source that counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

from zoo.harness.parts import choices_in
from zoo.harness.stages import Stage
from zoo.harness.whole import as_json
from zoo.registry import FIRST_PARTY

SHOWN = 3
"""Differences that are named; one wrong version may make many."""


def known(stage: Stage) -> dict[str, Any]:
    """What a stage depends on as it is here: its identity, and all distributions in it."""
    names = {choice.listing.plugin.distribution for choice in choices_in(stage)} - {"file"}
    installed = {name: _version(name) for name in sorted(names | {FIRST_PARTY})}
    found: dict[str, Any] = as_json(stage.depends_on | {"installed": installed})
    return found


def difference(stages: Sequence[Stage], expected: Sequence[dict[str, Any]]) -> str:
    """In what this place differs from the one that stages come from, in words, or nothing.

    Args:
        stages: What is to be done.
        expected: What is `known` of each where it comes from.
    """
    pairs = zip(map(known, stages), expected, strict=True)
    found = [words for here, there in pairs for words in _differences("", here, there)]
    return "; ".join(list(dict.fromkeys(found))[:SHOWN])


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _differences(path: str, here: object, there: object) -> Iterator[str]:
    """Leaves of two trees that are not the same.

    Example:
        >>> list(_differences("", {"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2}))
        ['a.b is 1 there and 3 here']
    """
    if isinstance(here, dict) and isinstance(there, dict):
        for name in sorted(here.keys() | there.keys()):
            one, other = here.get(name, "missing"), there.get(name, "missing")
            yield from _differences(f"{path}.{name}" if path else name, one, other)
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for number, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from _differences(f"{path}.{number}", one, other)
    elif here != there:
        yield f"{path} is {_short(here)} there and {_short(there)} here"


def _short(value: object) -> str:
    """A value, or the beginning of one that is long."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
