"""Laws of the timing stage: all in turn, in processes of their own, and kept with each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Install
from tests.test_run import TINY, TOY
from zoo.board.times import timing
from zoo.harness import timing as stage_module
from zoo.harness.attempt import Limits
from zoo.harness.clocked import Exact, Kernel, Time
from zoo.harness.execution import Runner
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.rounds import MOST
from zoo.harness.run import Run
from zoo.harness.stages import Train
from zoo.harness.store import Result, Store
from zoo.registry import installed


class Scripted:
    """A child that answers at once with seconds from a script."""

    log: list[tuple[str, str, int]]
    seconds: dict[str, Iterator[float]]

    def __init__(self, _target: object, args: tuple[Any, ...], _threads: int, _log: Path) -> None:
        subject = args[0]
        names = {Kernel: "kernel", Exact: "exact"}
        self.name = names.get(type(subject)) or subject.train.model.label
        self.answer: dict[str, Any] = {"ready": True}

    def alive(self) -> bool:
        """It never dies."""
        return True

    def say(self, request: dict[str, Any]) -> None:
        """Take a request."""
        self.log.append((self.name, request["do"], request["n"]))
        per_call = next(self.seconds[self.name]) * (request["n"] + 100)
        self.answer = {"seconds": per_call, "peak_mb": 3.0}

    def listen(self, _seconds: float) -> dict[str, Any]:
        """Give the answer."""
        return self.answer

    def end(self) -> None:
        """Nothing to end."""


@pytest.fixture
def entries(tmp_path: Path) -> Callable[[Sequence[str]], list[Time]]:
    """Stages for models of the catalogue that were never trained."""
    registry = installed(first_party_only=True)
    data = Result("data", "d", tmp_path, {"sha256": "0", "shape": [12, 2]}, {}, "")
    trained = Result("train", "t", tmp_path, {}, {}, "")

    def make(names: Sequence[str]) -> list[Time]:
        dataset, sampler = registry.find("dataset", "bead-spring"), registry.find("sampler", "ode")
        trains = [
            Train(registry.find("model", name), dataset, data, 0, 1, False, "cpu") for name in names
        ]
        return [
            Time(train, trained, sampler, 1_000, 3, 0.05, 60.0, "cpu", 1, "here")
            for train in trains
        ]

    return make


def test_the_stage_times_all_in_turn_and_marks_what_stays_wide(
    entries: Callable[[Sequence[str]], list[Time]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Kernel, exact sampler and entries take turns; a wide time is measured on and not tight.

    Every fact a line needs lies with each entry, and a second call times nothing.
    """
    Scripted.log = []
    Scripted.seconds = {
        "kernel": itertools.repeat(2e-6),
        "exact": itertools.repeat(3e-6),
        "vae": itertools.repeat(4e-6),
        "nsf": itertools.cycle([4e-6, 9e-6]),
    }
    monkeypatch.setattr(stage_module, "Child", Scripted)
    monkeypatch.setattr(stage_module, "cores_in_use", lambda: 0.25)
    runner = Runner(Store(tmp_path / "out").open(), "here", Limits(5.0))
    stages = entries(["vae", "nsf"])
    steady, wide = stage_module.time_entries(stages, runner, lambda _: None)
    assert steady.result is not None
    assert wide.result is not None
    rounds = [(name, n) for name, do, n in Scripted.log if do == "time"]
    each = [(name, n) for name in ("vae", "nsf") for n in (1_000, 1, 16_000)]
    first = [("kernel", 1_000), ("exact", 1_000), *each]
    assert rounds[: 3 * len(first)] == first * 3
    assert rounds[3 * len(first) :] == [("kernel", 1_000), ("nsf", 1_000)] * (MOST * 3 - 3)
    facts = steady.result.facts
    assert len(wide.result.facts["batch_seconds"]) == MOST * 3
    assert facts["batch_seconds"] == pytest.approx([4.4e-3] * 3)
    assert facts["single_seconds"] == pytest.approx([4.04e-4] * 3)
    assert facts["best_batch"] == 16_000  # a call has a fixed cost, so the largest is best
    assert facts["best_seconds"] == pytest.approx([6.44e-2] * 3)
    assert facts["kernel_seconds"] == pytest.approx([2.2e-3] * MOST * 3)
    assert facts["exact_seconds"] == pytest.approx([3.3e-3] * 3)
    assert (facts["others"], facts["peak_mb"]) == (0.25, 3.0)
    asked = len(Scripted.log)
    again = stage_module.time_entries(stages, runner, lambda _: None)
    assert all(outcome.cached for outcome in again)
    assert len(Scripted.log) == asked


def test_a_batch_that_only_looked_best_is_not_kept(
    entries: Callable[[Sequence[str]], list[Time]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A lucky visit chooses a batch; if the rounds do not bear it out, the board's stands."""
    Scripted.log = []
    warm, lucky, rounds = [1e-6] * 2, [1e-7, 1e-6, 1e-6], itertools.repeat(1e-6)
    Scripted.seconds = {
        "kernel": itertools.repeat(2e-6),
        "exact": itertools.repeat(3e-6),
        "vae": itertools.chain(warm, lucky, rounds),
    }
    monkeypatch.setattr(stage_module, "Child", Scripted)
    monkeypatch.setattr(stage_module, "cores_in_use", lambda: None)
    (outcome,) = stage_module.time_entries(
        entries(["vae"]), Runner(Store(tmp_path / "out").open(), "here"), lambda _: None
    )
    assert ("vae", "time", 250) in Scripted.log
    assert outcome.result is not None
    facts = outcome.result.facts
    assert (facts["best_batch"], facts["best_seconds"]) == (1_000, facts["batch_seconds"])


def test_a_real_run_fills_every_column(install: Install, tmp_path: Path) -> None:
    """Two entries timed in earnest, in processes of their own, have all figures on the CPU."""
    install("zoo-toy", TOY)
    plan = make_plan(installed(), ["honest", "chatty"], None, "walks", TINY)
    rows = Run(plan, Store(tmp_path / "out").open(), "cpu", describe(), jobs=2).execute()
    for row in rows:
        found = timing([row])
        figures = {
            name: value
            for name, value in found.items()
            if not name.startswith("cuda") and isinstance(value, float | int)
        }
        assert set(figures) >= {"cpu_relative", "cpu_kernel_us", "exact_us_per_sample"}
        assert figures.pop("cpu_peak_mb") >= 0 or not Path("/proc/self/clear_refs").exists()
        assert all(value > 0 for value in figures.values()), figures
        assert found["cpu_best_batch"] in (16, 64, 256, 1_024)
        rounds = len(row["times"]["cpu"]["batch_seconds"])
        assert TINY.timing_rounds <= rounds <= MOST * TINY.timing_rounds
