"""From a choice to an engine at work, which is ended whatever happens, and to what it works on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from zoo.engine import Cancelled, Engine
from zoo.errors import PluginError, UsageError, ZooError
from zoo.harness.machine import Machine, describe, find_device
from zoo.registry import Choice
from zoo.wording import one_line

T = TypeVar("T")


@contextmanager
def build_engine(choice: Choice) -> Iterator[Engine]:
    """Build an engine, and close it in the end.

    Raises:
        UsageError: If it refuses its options.
        PluginError: If it is no engine.
    """
    if choice.options:
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


def answer(future: Future[T]) -> T:
    """What a job has returned, as soon as it has.

    Raises:
        LostError: If it was lost as often as it may be.
        ZooError: If the engine could not carry it out.
    """
    try:
        return future.result()
    except CancelledError:
        raise ZooError("the engine has dropped a job. Run the same command again.") from None
    except ZooError:
        raise
    except Exception as error:
        raise ZooError(
            f"the engine could not carry out a job: {one_line(error)}. Is it still there, and is "
            "the same zoo installed where it works?"
        ) from error


@dataclass(frozen=True)
class _Look:
    """A job that says what there is where it is called."""

    device: str

    def __call__(self, _cancelled: Cancelled) -> tuple[str, Machine]:
        device, gpu = find_device(self.device)
        return device, describe(gpu)


def look(engine: Engine, asked: str) -> tuple[str, Machine, str]:
    """What an engine works with.

    Args:
        engine: The engine.
        asked: `auto`, `cpu` or `cuda`.

    Returns:
        The device; a machine, the first of the engine's by name; and what the engine calls its
        host, or nothing if it has none but this.

    Raises:
        UsageError: If the device is not there.
        ZooError: If no worker could look.
    """
    hosts = {device: sorted(engine.slots(device)) for device in ("cpu", "cuda")}
    if not any(hosts.values()):
        return *_Look(asked)(lambda: False), ""
    device = "cuda" if asked != "cpu" and hosts["cuda"] else "cpu"
    if asked == "cuda" and device == "cpu":
        raise UsageError(
            "no worker of the engine has a GPU for --device cuda. Start workers with one each "
            "and the resource GPU=1, or use --device cpu."
        )
    host = hosts[device][0]
    return *answer(engine.submit(_Look(device), device=device, host=host)), host
