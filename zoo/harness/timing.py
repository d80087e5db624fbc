"""The timing stage: all entries in turn, round by round, while nothing else of ours runs.

Each entry lives in a child process of its own that has loaded its model and waits. So do a
fixed reference kernel and, on the CPU, the dataset's exact sampler. A round asks them one
after the other, so that drift of the machine hits all alike; `rounds` has the rules.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from zoo.harness.attempt import INTERRUPTED, Ending, Limits
from zoo.harness.child import run_clock
from zoo.harness.clocked import Clocked, Exact, Kernel, Time
from zoo.harness.errand import Errand, Home
from zoo.harness.execution import Outcome, Runner
from zoo.harness.load import cores_in_use
from zoo.harness.process import Child
from zoo.harness.rounds import MOST, Series, best_batch, take_rounds
from zoo.harness.stages import Stage, Tell
from zoo.harness.store import Store
from zoo.harness.whole import digest

BEST_ROUNDS = 3
"""Rounds in which the best batch is timed."""

CALL = 20
"""Longest call at a batch size that is tried, in units of `round_seconds`."""


def time_entries(
    stages: Sequence[Time], runner: Runner, tell: Tell, host: str = ""
) -> list[Outcome]:
    """Time entries against one another and keep the figures.

    Args:
        stages: The entries. All are measured unless every one is kept from a time when the
            same ones ran in turn: figures that were not interleaved are not comparable.
        runner: What has them measured, and keeps the figures.
        tell: Takes progress.
        host: Where, if the engine has hosts.

    Returns:
        One outcome per stage. Its facts: `batch_seconds`, `single_seconds` and `best_seconds`
        per call of every round, of the board's batch, of one, and of `best_batch`; `peak_mb` of
        a batch; the `kernel_seconds` and `exact_seconds` of the same rounds; cores that
        `others` used; what tells which entries were timed `alongside`; the `host`.
    """
    store, alongside = runner.store, digest([stage.key for stage in stages])
    stages = [replace(stage, alongside=alongside) for stage in stages]
    kept = [store.find(stage.name, stage.key) for stage in stages]
    if all(kept):
        return [Outcome("ok", result=result, cached=True) for result in kept]
    report = runner.send(_errand(stages, runner, tell), host)
    ending = report.ending
    if ending.status != "ok":
        return [Outcome(ending.status, f"while being timed: {ending.reason}") for _ in stages]
    at = {"host": report.host or platform.node(), "machine": report.machine}
    pairs = zip(stages, ending.facts["entries"], strict=True)
    outcomes = [_keep(stage, found, at, store) for stage, found in pairs]
    return [replace(outcome, host=report.host) for outcome in outcomes]


def _errand(stages: Sequence[Time], runner: Runner, tell: Tell) -> Clocking:
    folder, log = runner.store.scratch(), runner.store.log_file("timing")
    home = Home(here=True, tell=tell)
    return Clocking(tuple(stages), folder, log, runner.limits, runner.machine, home)


@dataclass(frozen=True)
class Clocking(Errand):
    """Entries to be timed against one another."""

    alone: ClassVar[bool] = True

    def work(
        self, stages: tuple[Stage, ...], folder: Path, log: Path, stopped: Callable[[], bool]
    ) -> Ending:
        """Time them; the facts have what was found of each among its `entries`."""
        del folder  # what is found are numbers

        def tell(message: dict[str, Any]) -> None:
            if stopped():
                raise InterruptedError
            self.home.tell(message)

        subjects = [stage for stage in stages if isinstance(stage, Time)]
        try:
            return Ending("ok", facts={"entries": measure(subjects, log, self.limits, tell)})
        except InterruptedError:
            return INTERRUPTED


def measure(stages: Sequence[Time], log: Path, limits: Limits, tell: Tell) -> list[dict[str, Any]]:
    """Measure entries in turn; a fault in place of facts for one that has failed."""
    with ExitStack() as stack:
        gauges = [_Watched(subject, limits.timeout) for subject in _gauges(stages[0])]
        entries = [_Entry(_Watched(stage, limits.timeout), stage) for stage in stages]
        watched = [*gauges, *(entry.watched for entry in entries)]
        for one in watched:
            one.start(log)
            stack.callback(one.child.end)
        for one in watched:  # all load at once, and none is timed before the last has
            one.await_ready()
        beside = _take(gauges, entries, tell)
    return [
        {"fault": entry.watched.fault} if entry.watched.fault else entry.facts() | beside
        for entry in entries
    ]


def _gauges(stage: Time) -> list[Clocked]:
    """What is timed beside the entries: the kernel first, then the exact sampler."""
    gauges: list[Clocked] = [Kernel(stage.device, stage.threads, stage.round_seconds)]
    dataset = stage.train.dataset
    if stage.device == "cpu" and "fresh" in dataset.listing.spec.offers:
        gauges.append(Exact(dataset, stage.device, stage.threads, stage.round_seconds))
    return gauges


def _take(gauges: Sequence[_Watched], entries: Sequence[_Entry], tell: Tell) -> dict[str, Any]:
    """Warm everything up and take the rounds; give what was seen beside the entries."""
    stage = entries[0].stage
    for gauge in gauges:
        gauge.ask("warm", stage.batch)
    for number, entry in enumerate(entries):
        tell({"done": number, "total": len(entries)})
        entry.warm_up()
    beside: dict[str, Any] = {"others": cores_in_use()}
    kernel, *exact = [
        Series(gauge.timer(stage.batch), stage.rounds, MOST * stage.rounds) for gauge in gauges
    ]
    kernel.gauge = True
    series = [kernel, *exact, *(one for entry in entries for one in entry.series())]

    def told(number: int) -> None:
        tell({"done": number, "total": max(number, stage.rounds)})

    take_rounds(series, time.monotonic() + stage.seconds, time.monotonic, told)
    beside["others"] = max(beside["others"] or 0.0, cores_in_use() or 0.0)
    for name, one in zip(("kernel_seconds", "exact_seconds"), [kernel, *exact], strict=False):
        beside[name] = one.seconds
    return beside


@dataclass
class _Watched:
    """A child process that times one thing."""

    subject: Clocked
    timeout: float
    fault: dict[str, Any] | None = None
    child: Child = field(init=False)

    def start(self, log: Path) -> None:
        self.child = Child(run_clock, (self.subject,), self.subject.threads, log)

    def await_ready(self) -> None:
        """Wait until it has loaded what is to be timed."""
        self._hear()

    def ask(self, do: str, n: int) -> dict[str, Any]:
        """What the child answers; nothing once it has failed."""
        if self.fault is None:
            self.child.say({"do": do, "n": n})
            answer = self._hear()
            if self.fault is None:
                return answer
        return {}

    def timer(self, n: int) -> Callable[[], float | None]:
        """A function that gives seconds per call at a batch size."""
        return lambda: self.ask("time", n).get("seconds")

    def _hear(self) -> dict[str, Any]:
        deadline = time.monotonic() + self.timeout
        while self.child.alive() and time.monotonic() < deadline:
            if (message := self.child.listen(1.0)) is not None:
                if "status" in message:
                    self._give_up(message)
                return message
        gone = not self.child.alive()
        reason = "its process ended" if gone else f"no answer in {self.timeout:g} s"
        return self._give_up({"status": "crashed" if gone else "timeout", "reason": reason})

    def _give_up(self, fault: dict[str, Any]) -> dict[str, Any]:
        """Note what happened and end the child: it would disturb the others."""
        self.fault = fault
        self.child.end()
        return fault


@dataclass
class _Entry:
    """An entry, and what has been found out about it."""

    watched: _Watched
    stage: Time
    best: int = 0
    peak_mb: float | None = None
    batch_times: Series = field(init=False)
    single_times: Series = field(init=False)
    best_times: Series = field(init=False)

    def warm_up(self) -> None:
        """Get ready for the rounds; one by one first, so that a batch's memory is its own."""
        stage, ask = self.stage, self.watched.ask
        ask("warm", 1)
        warm = ask("warm", stage.batch)
        self.best, self.peak_mb = stage.batch, warm.get("peak_mb")
        if seconds := warm.get("seconds"):
            limit = CALL * stage.round_seconds
            self.best = best_batch(
                lambda n: ask("probe", n).get("seconds"), stage.batch, seconds, limit, self.peak_mb
            )

    def series(self) -> list[Series]:
        """What is asked of it in the rounds; its best batch may be the board's."""
        rounds, timer = self.stage.rounds, self.watched.timer
        self.batch_times = Series(timer(self.stage.batch), rounds, MOST * rounds)
        self.single_times = Series(timer(1), rounds, rounds)
        self.best_times = self.batch_times
        if self.best == self.stage.batch:
            return [self.batch_times, self.single_times]
        few = min(rounds, BEST_ROUNDS)
        self.best_times = Series(timer(self.best), few, few)
        return [self.batch_times, self.single_times, self.best_times]

    def facts(self) -> dict[str, Any]:
        """What the rounds have shown, also of a batch that only looked best for a moment."""
        batch, best = self.stage.batch, self.best_times.seconds
        rates = {
            n: n / statistics.median(seconds)
            for n, seconds in ((batch, self.batch_times.seconds), (self.best, best))
        }
        if rates[batch] >= rates[self.best]:
            self.best, best = batch, self.batch_times.seconds
        return {
            "batch_seconds": self.batch_times.seconds,
            "single_seconds": self.single_times.seconds,
            "best_seconds": best,
            "best_batch": self.best,
            "peak_mb": self.peak_mb,
        }


def _keep(stage: Time, found: dict[str, Any], at: dict[str, str], store: Store) -> Outcome:
    if fault := found.get("fault"):
        return Outcome(str(fault["status"]), f"while being timed: {fault['reason']}")
    facts = found | at | {"alongside": stage.alongside[:12]}
    store.forget(stage.name, stage.key)  # from a time when another entry failed
    return Outcome("ok", result=store.keep(stage.name, stage.key, store.scratch(), facts))
