"""A right engine, and wrong ones."""

# ruff: noqa: ARG002, D102 - the contract says what the methods do

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import zoo
from zoo.engine import Job


@dataclass(frozen=True)
class Here(zoo.Engine):
    """One job after another, in this process."""

    def slots(self, device: str) -> Mapping[str, int]:
        return {"here": 1}

    def submit(self, job: Job[Any], *, device: str = "cpu", host: str = "") -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(self.seen(job(lambda: False), host))
        except ArithmeticError as error:
            self.fail(done, error)
        return done

    def close(self) -> None:
        """Nothing was started."""

    def seen(self, value: Any, host: str) -> Any:
        """A value as it comes back."""
        return value

    def fail(self, done: Future[Any], error: Exception) -> None:
        """What becomes of an error."""
        done.set_exception(error)


class CutsShort(Here):
    """Large values do not come through."""

    def seen(self, value: Any, host: str) -> Any:
        return min(value, 100)


class Soothes(Here):
    """Errors come back as nothing."""

    def fail(self, done: Future[Any], error: Exception) -> None:
        done.set_result(None)


class NoRoom(Here):
    """Its host takes nothing."""

    def slots(self, device: str) -> Mapping[str, int]:
        return {"here": 0}


class ForgetsHosts(Here):
    """A job for one host is not done."""

    def seen(self, value: Any, host: str) -> Any:
        return None if host else value
