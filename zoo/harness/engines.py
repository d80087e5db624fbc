"""From a choice to an engine at work, which is ended whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zoo.engine import Engine
from zoo.errors import PluginError, UsageError
from zoo.registry import Choice


@contextmanager
def build_engine(choice: Choice) -> Iterator[Engine]:
    """Build an engine, and close it in the end.

    Raises:
        UsageError: If it refuses its options.
        PluginError: If it is no engine.
    """
    choice.check()
    try:
        engine = choice.build()
    except (TypeError, ValueError) as error:
        raise UsageError(f"engine {choice.label!r} refuses its options: {error}") from error
    if not isinstance(engine, Engine):
        raise PluginError(f"engine {choice.label!r} is a {type(engine).__name__}, no zoo.Engine.")
    try:
        yield engine
    finally:
        engine.close()
