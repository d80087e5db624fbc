"""What a stage is made of: the results it reads and the plugins it uses, however deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from zoo.harness.stages import Stage
from zoo.harness.store import Result
from zoo.registry import Choice

S = TypeVar("S")


def results_in(stage: Stage) -> Iterator[Result]:
    """All results that a stage refers to, some perhaps twice."""
    return (part for part in _parts(stage) if isinstance(part, Result))


def choices_in(stage: Stage) -> Iterator[Choice]:
    """All plugins that a stage uses, some perhaps twice."""
    return (part for part in _parts(stage) if isinstance(part, Choice))


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, (Result, Choice)):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _parts(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))


def replaced(value: S, others: Mapping[tuple[str, str], Result]) -> S:
    """A stage with other results in place of its own.

    Args:
        value: The stage, or a part of it.
        others: By stage and key, those to take.
    """
    changed: Any = value
    if isinstance(value, Result):
        changed = others.get((value.stage, value.key), value)
    elif isinstance(value, tuple):
        changed = tuple(replaced(one, others) for one in value)
    elif is_dataclass(value) and not isinstance(value, (Choice, type)):
        new = {field.name: replaced(getattr(value, field.name), others) for field in fields(value)}
        changed = replace(value, **new)
    return changed  # type: ignore[no-any-return]
