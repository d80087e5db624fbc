"""What may carry out the work of a run: the contract of an engine, and the one that is at hand.

An engine takes functions to where they are called and brings back what they return. What is in
them, it need not know: they are small and picklable, and their data travel by file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar, final

T = TypeVar("T")

Cancelled = Callable[[], bool]
"""Says to a running job whether nobody waits for it any more; it then ends soon."""

Job = Callable[[Cancelled], T]
"""What an engine calls, perhaps elsewhere. It raises nothing of its own: failures are values."""


class Engine(ABC):
    """Carries out jobs. A frozen dataclass of settings; what it starts, it starts when asked.

    A job runs child processes of its own and waits for them, so an engine needs to give it a
    thread and no more. A job that is lost with the process that had it may be called again.
    """

    @abstractmethod
    def slots(self, device: str) -> Mapping[str, int]:
        """How many jobs each host takes at a time; it may change from one call to the next.

        Args:
            device: What the jobs need, `cpu` or `cuda`.

        Returns:
            Number of jobs by the name of the host. Empty for an engine that calls them in the
            process at hand, as many at a time as it is asked to.

        Raises:
            zoo.errors.UsageError: If there is no such host, or none can be reached.
        """

    @abstractmethod
    def submit(self, job: Job[T], *, device: str = "cpu", host: str = "") -> Future[T]:
        """Have a job called.

        Args:
            job: What to call.
            device: What it needs. One job at a time has a GPU, which it knows as `cuda`.
            host: Where it has to be, one of `slots`; empty for anywhere.

        Returns:
            What will hold the value. It raises `zoo.errors.LostError` if the job was lost as
            often as it may be, and anything else if the engine itself has come to an end.
        """

    @abstractmethod
    def close(self) -> None:
        """End what was started, if anything was; nothing is submitted any more."""


@final
@dataclass(frozen=True)
class Local(Engine):
    """Child processes of this machine: jobs are called here, in the thread that submits them."""

    def slots(self, device: str) -> Mapping[str, int]:  # noqa: ARG002 - the same for all
        """None that have to be counted."""
        return {}

    def submit(self, job: Job[T], *, device: str = "cpu", host: str = "") -> Future[T]:  # noqa: ARG002
        """Call a job at once.

        Example:
            >>> Local().submit(lambda cancelled: cancelled()).result()
            False
        """
        done: Future[T] = Future()
        try:
            done.set_result(job(lambda: False))
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            done.set_exception(error)
        return done

    def close(self) -> None:
        """Nothing was started."""
