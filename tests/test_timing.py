"""Laws of the clock: who is asked when, what is known well enough, what a time is worth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom

from tests.conftest import Install
from tests.test_run import TINY, TOY
from zoo import api
from zoo.board.times import break_even, timing
from zoo.harness import timing as stage_module
from zoo.harness.clock import attendant, peak_memory, seconds_per_call, warm_up
from zoo.harness.load import busy_cores, cores_in_use
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.rounds import MOST, Series, best_batch, half_width, take_rounds
from zoo.harness.run import Run
from zoo.harness.stages import Exact, Kernel, Time, Train
from zoo.harness.store import Result, Store


class Bench:
    """A make-believe machine: time passes only while something is measured."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self.all: list[Series] = []

    def series(
        self, name: str, seconds: Iterator[float | None], least: int, most: int, **more: Any
    ) -> Series:
        """A series that gives these seconds in turn, one second of the machine each."""
        cost = more.pop("cost", 1.0)

        def measure() -> float | None:
            self.order.append(name)
            self.now += cost
            return next(seconds)

        self.all.append(Series(measure, least, most, **more))
        return self.all[-1]

    def take(self, deadline: float = math.inf) -> str:
        """All rounds; the names asked, in order."""
        take_rounds(self.all, deadline, lambda: self.now)
        return "".join(self.order)


def test_rounds_go_in_turn_and_end_when_all_times_are_known() -> None:
    """Each round asks all once in the same order; steady times need no more than the least."""
    bench = Bench()
    for name in "abc":
        bench.series(name, itertools.repeat(1.0), 3, 12)
    assert bench.take() == "abcabcabc"


def test_only_wide_times_are_asked_again_and_the_gauge_with_them() -> None:
    """One value of 5 too high keeps a series going until the interval can leave it out.

    Nine values are the fewest of which the interval leaves out the largest and the smallest.
    """
    bench = Bench()
    gauge = bench.series("k", itertools.repeat(1.0), 5, 20, gauge=True)
    wide = bench.series("w", itertools.chain([1.5], itertools.repeat(1.0)), 5, 20)
    still = bench.series("s", itertools.repeat(1.0), 5, 20)
    assert bench.take() == "kws" * 5 + "kw" * 4
    assert (len(gauge.seconds), len(wide.seconds), len(still.seconds)) == (9, 9, 5)
    assert wide.tight


def test_a_time_that_stays_wide_ends_at_the_most_rounds() -> None:
    """Hopeless noise is not measured for ever, and is not called tight."""
    bench = Bench()
    wide = bench.series("w", itertools.cycle([1.0, 2.0]), 3, 7)
    assert bench.take() == "w" * 7
    assert not wide.tight


def test_past_the_deadline_only_the_least_is_owed() -> None:
    """What costs more than its share is out for good, while something cheaper goes on."""
    bench = Bench()
    bench.series("x", itertools.cycle([1.0, 2.0]), 2, 8, cost=4.0)
    bench.series("y", itertools.cycle([1.0, 2.0]), 2, 8, cost=1.0)
    # Least rounds end at 10. A twentieth of what is left pays for x up to the round at 30.
    assert bench.take(deadline=110.0) == "xy" * 7 + "y"
    late = Bench()
    late.series("x", itertools.cycle([1.0, 2.0]), 2, 8)
    assert late.take(deadline=-1.0) == "xx"


def test_a_series_that_fails_is_asked_no_more() -> None:
    """The others go on as if it had never been there."""
    bench = Bench()
    failed = bench.series("f", iter([1.0, None]), 4, 8)
    bench.series("g", itertools.repeat(1.0), 4, 8)
    assert bench.take() == "fgfggg"
    assert failed.seconds == [1.0]


@pytest.mark.parametrize("n", [2, 5, 6, 7, 9, 15, 28, 60])
def test_the_width_is_that_of_the_order_statistics(n: int) -> None:
    """The largest number of values the binomial distribution allows is left out at each end."""
    values = np.random.default_rng(n).lognormal(size=n)
    skip = max((k for k in range(n) if binom.cdf(k, n, 0.5) <= 0.025), default=0)
    x = np.sort(values)
    expected = (x[n - 1 - skip] - x[skip]) / 2 / np.median(x)
    assert half_width(values.tolist()) == pytest.approx(expected)
    assert half_width([1.0]) == math.inf


def test_warm_up_ends_when_two_windows_agree() -> None:
    """Windows hold calls of at least their length; their medians are compared in a row."""
    calls = iter([3.0, 1.0, 1.2, 0.9, 1.0, 0.99, 1.01, 50.0])
    # Windows of 3 s: (9), (3), (1, 1.2, 0.9), (1, 0.99, 1.01); the last two differ by 0.
    assert warm_up(lambda: next(calls), first=9.0, window=3.0, most=99.0) == 1.0
    assert next(calls) == 50.0


def test_warm_up_ends_at_its_limit() -> None:
    """Windows that never agree cost no more than what was allowed, and one window."""
    calls = itertools.cycle([2.0, 1.0])
    made: list[float] = []

    def measure() -> float:
        made.append(next(calls))
        return made[-1]

    warm_up(measure, first=1.0, window=1.0, most=10.0)
    assert 10.0 <= sum(made) + 1.0 <= 12.0


def taken(table: dict[int, float | None], seen: list[int]) -> Callable[[int], float | None]:
    """Seconds per call from a table, noting what was asked for."""

    def measure(n: int) -> float | None:
        seen.append(n)
        return table[n]

    return measure


@pytest.mark.parametrize(
    ("table", "limit", "peak", "best", "tried"),
    [
        ({250: 0.01, 4_000: 0.04, 16_000: 0.4}, 1.0, None, 4_000, [250, 4_000, 16_000]),
        ({250: 0.001, 4_000: 0.08, 16_000: 0.4}, 1.0, None, 250, [250, 4_000, 16_000]),
        ({250: 0.01, 4_000: 0.08, 16_000: 0.4}, 0.05, None, 1_000, [250]),
        ({250: 0.01, 4_000: 0.04}, 0.15, None, 4_000, [250, 4_000]),
        ({250: None, 4_000: None}, 1.0, None, 1_000, [250, 4_000]),
        ({250: 0.01, 4_000: 0.04}, 1.0, 200.0, 4_000, [250, 4_000]),
    ],
)  # fmt: skip
def test_the_best_batch_has_the_highest_throughput(
    table: dict[int, float | None], limit: float, peak: float | None, best: int, tried: list[int]
) -> None:
    """Sizes that would take too long, too much memory, or that failed before are not tried.

    The board's batch of 1,000 takes 0.02 s throughout.
    """
    seen: list[int] = []
    assert best_batch(taken(table, seen), 1_000, 0.02, limit, peak) == best
    assert seen == tried


def test_the_rise_of_memory_is_what_a_call_needs() -> None:
    """40 MB written and freed are seen as such, every time, whatever was held before."""
    held = torch.ones(5_000_000)

    def call() -> float:
        return float(torch.ones(10_000_000).sum()) + float(held[0])

    for _ in range(3):
        result, peak = peak_memory(call, "cpu")
        assert result == pytest.approx(1e7, rel=1e-3)
        if peak is None:
            pytest.skip("this system does not tell the peak of the resident set")
        assert peak == pytest.approx(40.0, rel=0.1)


def test_the_stopwatch_calls_as_often_as_it_says() -> None:
    """The time of a call is that of all calls over their number."""
    calls: list[int] = []
    assert seconds_per_call(lambda: calls.append(1), "cpu", repeats=5) > 0
    assert len(calls) == 5


def test_load_counts_only_our_processors_and_not_waiting() -> None:
    """Idle and waiting for disks is rest; another processor's work is no concern of ours."""
    before = "cpu 9 9 9 9 9 9 9 9\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 5 5 5 5 5 5 5 5 0 0\nintr 4"
    after = "cpu 9 9 9 9 9 9 9 9\ncpu0 10 5 5 60 10 1 1 8 7 7\ncpu1 105 5 5 5 5 5 5 5 9 9\nintr 4"
    assert busy_cores(before, after, {0}) == pytest.approx(0.30)
    assert busy_cores(before, after, {0, 1}) == pytest.approx(1.30)
    assert busy_cores(before, before, {0, 1}) == 0.0
    assert (cores_in_use(0.0) or 0.0) >= 0.0


def test_the_kernel_is_one_product_whatever_the_batch() -> None:
    """Its time is a yardstick: asking for another batch asks for the same work."""
    answer = attendant(Kernel("cpu", 1, 0.001))
    for n in (1, 1_000):
        assert answer({"do": "warm", "n": n})["seconds"] > 0
        assert answer({"do": "time", "n": n})["seconds"] > 0


class Scripted:
    """A child that answers at once with seconds from a script."""

    log: list[tuple[str, str, int]]
    seconds: dict[str, Iterator[float]]

    def __init__(self, _target: object, args: tuple[Any, ...], _threads: int) -> None:
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
    registry = api.installed(first_party_only=True)
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
    store = Store(tmp_path / "out").open()
    stages = entries(["vae", "nsf"])
    steady, wide = stage_module.time_entries(stages, store, 5.0, lambda _: None)
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
    again = stage_module.time_entries(stages, store, 5.0, lambda _: None)
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
        entries(["vae"]), Store(tmp_path / "out").open(), 5.0, lambda _: None
    )
    assert ("vae", "time", 250) in Scripted.log
    assert outcome.result is not None
    facts = outcome.result.facts
    assert (facts["best_batch"], facts["best_seconds"]) == (1_000, facts["batch_seconds"])


def line(**times: Any) -> list[dict[str, Any]]:
    """Rows of a line with two seeds, of which the first was timed."""
    cpu = {
        "batch_seconds": [0.002, 0.0019, 0.0021],
        "single_seconds": [1e-4, 3e-4, 2e-4],
        "best_seconds": [0.008, 0.004, 0.005],
        "best_batch": 4_000,
        "kernel_seconds": [0.002, 0.002, 0.002, 0.002],
        "exact_seconds": [0.012, 0.012, 0.012],
        "others": 0.01,
        "peak_mb": 7.5,
        "measured": "2026-01-01",
    }
    shared = {"settings": {"batch": 1_000}, "made_by": {"timing_threads": 2}}
    first = shared | {"train_seconds": 10.0, "times": {"cpu": cpu | times}}
    return [first, shared | {"train_seconds": 30.0, "times": {}}]


def test_columns_follow_from_facts() -> None:
    """Every column of a line, by hand, from facts of three rounds."""
    found = timing(line())
    expected = {
        "cpu_us_per_sample": 2.0,
        "cpu_us_low": 1.9,
        "cpu_us_high": 2.1,
        "cpu_latency_us": 200.0,
        "cpu_samples_per_second": 800_000.0,
        "cpu_best_batch": 4_000,
        "cpu_peak_mb": 7.5,
        "cpu_kernel_us": 2_000.0,
        "cpu_relative": 0.001,
        "cpu_relative_low": 0.00095,
        "cpu_relative_high": 0.00105,
        "exact_us_per_sample": 12.0,
        "break_even": 2_000_000.0,  # 20 s of training at 10 µs saved each
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert (found["cpu_clock"], found["cuda_clock"]) == ("", "")
    assert math.isnan(found["cuda_relative"])


def test_a_slower_machine_changes_times_and_not_what_they_are_relative_to_the_kernel() -> None:
    """A machine of half the speed, or one that slows down half-way, moves nothing relative."""
    slower = line(
        batch_seconds=[0.004, 0.0019, 0.0042],
        kernel_seconds=[0.004, 0.002, 0.004, 0.002],
    )
    relative = ("cpu_relative", "cpu_relative_low", "cpu_relative_high")
    a, b = timing(line()), timing(slower)
    assert [a[name] for name in relative] == pytest.approx([b[name] for name in relative])
    assert b["cpu_us_per_sample"] == pytest.approx(2 * a["cpu_us_per_sample"])


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"batch_seconds": [0.002, 0.00175, 0.0022]}, "unstable"),
        ({"batch_seconds": [0.002, 0.00185, 0.0022]}, ""),
        ({"others": 0.11}, "busy"),
        ({"others": None}, ""),
        ({"kernel_seconds": [0.002] * 8 + [0.0024] * 2}, "uneven"),
        ({"kernel_seconds": [0.002] * 18 + [0.009]}, ""),  # one slip of many
        (
            {"batch_seconds": [1.0, 2.0], "others": 1.0, "kernel_seconds": [1.0, 2.0]},
            "unstable busy uneven",
        ),
    ],
)
def test_words_say_what_makes_a_time_doubtful(facts: dict[str, Any], words: str) -> None:
    """Each doubt has its word; what the system does not tell raises none."""
    assert timing(line(**facts))["cpu_clock"] == words


def test_break_even_is_where_the_two_costs_cross() -> None:
    """At that number both ways take the same time; a slower model never gets there."""
    number = break_even(7.0, 2e-6, 9e-6)
    assert 7.0 + number * 2e-6 == pytest.approx(number * 9e-6)
    assert break_even(7.0, 9e-6, 9e-6) == math.inf
    assert math.isnan(break_even(7.0, math.nan, 9e-6))


def test_a_real_run_fills_every_column(install: Install, tmp_path: Path) -> None:
    """Two entries timed in earnest, in processes of their own, have all figures on the CPU."""
    install("zoo-toy", TOY)
    plan = make_plan(api.installed(), ["honest", "chatty"], None, "walks", TINY)
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
