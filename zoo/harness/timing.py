"""The timing stage: all entries in turn, round by round, while nothing else of ours runs.

Each entry lives in a child process of its own that has loaded its model and waits. A round
asks every child once, one after the other, so that drift of the machine hits all alike.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.harness.child import run_clock
from zoo.harness.execution import Child, Outcome
from zoo.harness.stages import Tell, Time
from zoo.harness.store import Store, digest


def time_entries(stages: Sequence[Time], store: Store, timeout: float, tell: Tell) -> list[Outcome]:
    """Time entries against one another and keep the figures.

    Args:
        stages: The entries. All are measured unless every one is kept from a time when the
            same ones ran in turn: figures that were not interleaved are not comparable.
        store: Where the figures are kept.
        timeout: Seconds after which one answer is given up.
        tell: Takes progress.

    Returns:
        One outcome per stage; facts are seconds per call of every round.
    """
    alongside = digest([stage.key for stage in stages])
    stages = [replace(stage, alongside=alongside) for stage in stages]
    kept = [store.find(stage.name, stage.key) for stage in stages]
    if all(kept):
        return [Outcome("ok", result=result, cached=True) for result in kept]
    log = store.log_file("timing")
    with ExitStack() as stack:
        runs = [_Run(stage, timeout) for stage in stages]
        for number, run in enumerate(runs):
            run.start(log)
            stack.callback(run.child.end)
            tell({"done": number, "total": len(runs)})
        rounds = max((stage.rounds for stage in stages), default=0)
        for number in range(rounds):
            for run in runs:
                run.ask("batch", run.stage.batch)
                run.ask("single", 1)
            tell({"done": number + 1, "total": rounds})
    return [_keep(run, store) for run in runs]


@dataclass
class _Run:
    """One entry being timed."""

    stage: Time
    timeout: float
    fault: dict[str, Any] | None = None
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"batch": [], "single": []})
    child: Child = field(init=False)

    def start(self, log: Path) -> None:
        self.child = Child(run_clock, (self.stage, log), self.stage.threads)
        self._hear()

    def ask(self, what: str, n: int) -> None:
        if self.fault is None:
            self.child.say({"n": n})
            answer = self._hear()
            if "seconds" in answer:
                self.seconds[what].append(float(answer["seconds"]))

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


def _keep(run: _Run, store: Store) -> Outcome:
    if run.fault is not None:
        return Outcome(str(run.fault["status"]), f"while being timed: {run.fault['reason']}")
    facts = {f"{what}_seconds": values for what, values in run.seconds.items()}
    store.forget(run.stage.name, run.stage.key)  # from a time when another entry failed
    return Outcome("ok", result=store.keep(run.stage.name, run.stage.key, store.scratch(), facts))
