"""Dask as an engine: workers of this machine, or of a cluster that is there already."""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import zoo
from zoo.errors import LostError, UsageError

T = TypeVar("T")
Job = Callable[[Callable[[], bool]], T]

HERE = "127.0.0.1"
"""Where our own cluster listens. Whoever reaches a worker can have it run anything at all."""

LEAVING = ("closing_gracefully", "closing", "closed", "stopping")
"""States of a worker that takes no more jobs: it is retired, say, or its time is up."""

PATIENCE = 60.0
"""Seconds in which a first worker has to turn up."""


@dataclass(frozen=True)
class Dask(zoo.Engine):
    """Workers of Dask, which is installed with `polymer-zoo[dask]`.

    Without an address it starts worker processes on this machine, which end with the run. A
    worker that is lost is replaced, and its jobs are done again by others. Dask has no password:
    anyone who reaches a scheduler or a worker can run anything as its user. What is started here
    listens on this machine alone; a cluster of yours belongs on a network of its own, or behind
    TLS, which Dask's own configuration sets up. A script that uses it needs the usual
    `if __name__ == "__main__":`, since worker processes import it.

    Args:
        workers: Processes to start on this machine; 0 for one per core.
        gpus: How many of them have a GPU of this machine each; the others see none.
        scheduler: Address of a scheduler that is there already, such as `tcp://node:8786`.
        file: Its scheduler file, in place of an address.

    Reference:
        Rocklin, Dask: Parallel Computation with Blocked algorithms and Task Scheduling,
        SciPy (2015), doi:10.25080/Majora-7b98e3ed-013.
    """

    workers: int = 0
    gpus: int = 0
    scheduler: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if bool(self.scheduler) + bool(self.file) + bool(self.workers or self.gpus) > 1:
            raise ValueError(
                "it got more than one of scheduler, file and workers. Give the one that is meant."
            )
        if self.workers < 0 or not 0 <= self.gpus <= self._count:
            raise ValueError(
                f"workers={self.workers} and gpus={self.gpus} are no numbers of processes. "
                "Expected at most one GPU for each worker."
            )

    def slots(self, device: str) -> Mapping[str, int]:
        """Threads of the workers on each host, or for `cuda` their resource `GPU`."""
        found: Counter[str] = Counter()
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"]
        except OSError as error:
            raise UsageError(
                f"the Dask scheduler is gone: {error}. Start it, and run the same command again."
            ) from error
        for worker in workers.values():
            gpus = int(worker["resources"].get("GPU", 0))
            found[worker["host"]] += gpus if device == "cuda" else worker["nthreads"]
        return {host: room for host, room in sorted(found.items()) if room}

    def submit(self, job: Job[T], *, device: str = "cpu", host: str = "") -> Future[T]:
        """Send a job to a worker; what is lost is tried again as often as Dask's settings say."""
        executor = self._client.get_executor(
            pure=False,
            workers=[host] if host else None,
            resources={"GPU": 1} if device == "cuda" else None,
        )
        asked: Future[T] = executor.submit(_call, job)
        promised: Future[T] = Future()

        def hand_over(answered: Future[T]) -> None:
            if answered.cancelled():
                promised.cancel()
                promised.set_running_or_notify_cancel()
            elif error := answered.exception():
                lost = type(error).__name__ == "KilledWorker"
                promised.set_exception(LostError(_lost(error)) if lost else error)
            else:
                with suppress(InvalidStateError):  # nobody waits for it any more
                    promised.set_result(answered.result())

        def give_up(ended: Future[T]) -> None:
            if ended.cancelled():
                asked.cancel()

        asked.add_done_callback(hand_over)
        promised.add_done_callback(give_up)
        return promised

    def close(self) -> None:
        """Let go of the cluster, and end it if it is ours."""
        if "_client" in vars(self):
            self._client.close()
        if "_cluster" in vars(self):
            self._cluster.close()

    @property
    def _count(self) -> int:
        return self.workers or max(1, self.gpus, len(os.sched_getaffinity(0)))

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - an optional package
        distributed, client = _distributed(), None
        try:
            if self.file:
                file = str(Path(self.file).expanduser())
                client = distributed.Client(scheduler_file=file, set_as_default=False)
            else:
                there = self.scheduler or self._cluster
                client = distributed.Client(there, set_as_default=False)
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as error:  # a timeout is an OSError
            if client is not None:
                client.close()
            where = self.file or self.scheduler or "this machine"
            raise UsageError(
                f"no Dask cluster with workers at {where!r}: {error}. Start its scheduler and "
                "workers first, or leave the address out for workers of this machine."
            ) from error
        return client

    @cached_property
    def _cluster(self) -> Any:  # noqa: ANN401 - an optional package
        distributed = _distributed()
        alone = {"host": HERE, "port": 0, "dashboard": False, "dashboard_address": f"{HERE}:0"}
        return distributed.SpecCluster(
            scheduler={"cls": distributed.Scheduler, "options": alone},
            workers={number: self._worker(distributed, number) for number in range(self._count)},
            silence_logs=logging.ERROR,
        )

    def _worker(self, distributed: Any, number: int) -> dict[str, Any]:  # noqa: ANN401
        """What starts a worker that takes one job at a time, and sees its own GPU or none."""
        gpu = {"GPU": 1} if number < self.gpus else {}
        options = {
            "host": HERE,
            "nthreads": 1,
            "memory_limit": 0,
            "dashboard": False,
            "dashboard_address": f"{HERE}:0",
            "silence_logs": logging.CRITICAL,  # a job that fails says so in its value
            "resources": gpu,
            "preload": [__name__],
            "env": {"CUDA_VISIBLE_DEVICES": _visible(number) if gpu else ""} if self.gpus else {},
        }
        return {"cls": distributed.Nanny, "options": options}


def _visible(number: int) -> str:
    """What CUDA calls the GPU of a number, among those that this process may see."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return names[number].strip() if number < len(names) and names[number] else str(number)


def _lost(error: BaseException) -> str:
    return f"its worker was lost, as were those that it was tried on again: {error}"


def _distributed() -> Any:  # noqa: ANN401 - an optional package
    try:
        return import_module("distributed")
    except ImportError:
        raise UsageError(
            "the engine dask takes Dask, which is not installed. Install it with "
            "`pip install 'polymer-zoo[dask]'`, here and where the workers are."
        ) from None


def dask_setup(worker: object) -> None:
    """What Dask calls in each worker that we start: Ctrl-C is for the driver, which ends them."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(job: Job[T]) -> T:
    """Call a job in a worker's thread, and end it when nobody waits for it or the worker goes.

    A worker that goes has its job done again by another one: what came of it is half done.
    """
    inside: Any = import_module("distributed.worker")
    worker, key = inside.get_worker(), inside.thread_state.key
    left = False

    def cancelled() -> bool:
        nonlocal left
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            return True
        left = left or worker.status.name in LEAVING
        return left

    found = job(cancelled)
    if left:
        raise _distributed().Reschedule
    return found
