"""What an engine must keep to: every job is called, and what comes of it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from zoo.conformance.case import Check, NotApplicable, Violation
from zoo.conformance.preparation import built
from zoo.engine import Cancelled, Engine
from zoo.errors import UsageError
from zoo.registry import Choice

WAIT = 120.0
"""Seconds in which a job that does nothing has to come back."""

MANY = 50


@dataclass(frozen=True)
class Square:
    """A job that travels: the square of a number, from 0 on."""

    number: int

    def __call__(self, cancelled: Cancelled) -> int:
        """Do it; a job that has only just begun is not cancelled."""
        if self.number < 0 or cancelled():
            raise ArithmeticError(f"no square of {self.number}")
        return self.number**2


@contextmanager
def _started(subject: Choice) -> Iterator[Engine]:
    """An engine that can be asked, or skip what cannot be judged without it."""
    engine: Engine = built(subject)
    try:
        try:
            engine.slots("cpu")
        except UsageError as refusal:
            raise NotApplicable(f"it cannot be started here: {refusal}") from None
        yield engine
    finally:
        engine.close()


def every_job_comes_back(subject: Choice) -> None:
    """Each of many jobs gives its own value, and one that raises gives what it raised."""
    with _started(subject) as engine:
        futures = [engine.submit(Square(number)) for number in range(MANY)]
        for number, future in enumerate(futures):
            if (found := future.result(WAIT)) != number**2:
                raise Violation(f"a job that returns {number**2} gave {found!r}. Return its value.")


def failures_come_back(subject: Choice) -> None:
    """What a job raises is raised by its own future, and by no other."""
    with _started(subject) as engine:
        wrong, right = engine.submit(Square(-1)), engine.submit(Square(3))
        if not isinstance(error := wrong.exception(WAIT), ArithmeticError):
            raise Violation(
                f"a job raised an ArithmeticError, and its future {error!r}. Pass it on."
            )
        if right.result(WAIT) != 9:
            raise Violation("a job beside one that raised did not give its value. See to each.")


def hosts_take_jobs(subject: Choice) -> None:
    """Every host it names has room for one job or more, and calls a job that is bound to it."""
    with _started(subject) as engine:
        for host, room in engine.slots("cpu").items():
            if room < 1:
                raise Violation(f"host {host!r} takes {room} jobs at a time; expected 1 or more.")
            if engine.submit(Square(2), host=host).result(WAIT) != 4:
                raise Violation(f"a job bound to host {host!r} did not give its value.")


CHECKS: tuple[Check, ...] = (every_job_comes_back, failures_come_back, hosts_take_jobs)
