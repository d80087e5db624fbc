"""What an engine costs, and what it gives: dummy jobs, then trainings on one worker and on two.

    python -m benchmarks.cluster > benchmarks/results/cluster.md

Takes a few minutes and `polymer-zoo[dask]`. Two workers need two free cores: the first line says
how many others had in use.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.api import budget, prepare
from zoo.engine import Engine
from zoo.harness.engines import build_engine
from zoo.harness.load import cores_in_use
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.registry import installed

ENGINES = ("local", "dask[workers=1]", "dask[workers=2]")

Nothing: Callable[..., bool] = callable
"""A job that does nothing: it says that what it got can be called, and travels as a name."""


def main() -> None:
    """Parse the command line and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1_000, help="dummy jobs (default: 1000)")
    parser.add_argument("--trainings", type=int, default=8, help="of a VAE (default: 8)")
    parser.add_argument("--rounds", type=int, default=3, help="of both (default: 3)")
    asked = parser.parse_args()
    machine = describe()
    print("# What an engine costs, and what two workers give\n")
    print(f"{machine.label}; others had {cores_in_use(2.0):.2f} cores in use at the beginning.")
    print(f"zoo {machine.zoo}, torch {machine.torch}. `python -m benchmarks.cluster`\n")
    dummies(asked.jobs, asked.rounds)
    trainings(asked.trainings, asked.rounds)
    print(f"\nAt the end others had {cores_in_use(2.0):.2f} cores in use.")


def dummies(count: int, rounds: int) -> None:
    """Milliseconds for a job that does nothing."""
    print(f"| engine | ms per job, {count:,} jobs two at a time a worker | one after the other |")
    print("| --- | --- | --- |")
    for name in ENGINES:
        with build_engine(installed().find("engine", name)) as engine:
            engine.submit(Nothing).result()
            many = [_handed_out(engine, count) * 1e3 for _ in range(rounds)]
            single = [_one_by_one(engine, count // 10) * 1e3 for _ in range(rounds)]
        print(f"| `{name}` | {_middle(many)} | {_middle(single)} |", flush=True)


def _handed_out(engine: Engine, count: int) -> float:
    """Seconds per job when a few are under way, as in a run."""
    room = 2 * sum(engine.slots("cpu").values()) or 1
    start, flying = time.perf_counter(), set[Future[bool]]()
    for _ in range(count):
        if len(flying) >= room:
            flying -= wait(flying, return_when=FIRST_COMPLETED).done
        flying.add(engine.submit(Nothing))
    wait(flying)
    return (time.perf_counter() - start) / count


def _one_by_one(engine: Engine, count: int) -> float:
    """Seconds until the answer to one job is there."""
    start = time.perf_counter()
    for _ in range(count):
        engine.submit(Nothing).result()
    return (time.perf_counter() - start) / count


def trainings(count: int, rounds: int) -> None:
    """Seconds for trainings on one worker and on two, in turn; nothing is kept between them."""
    print(f"\n| round | {count} trainings on one worker [s] | on two [s] | ratio |")
    print("| --- | --- | --- | --- |")
    ratios = []
    for number in range(rounds):
        order = ENGINES[1:] if number % 2 else ENGINES[:0:-1]
        seconds = {name: _trained(name, count) for name in order}
        one, two = seconds[ENGINES[1]], seconds[ENGINES[2]]
        ratios.append(one / two)
        print(f"| {number + 1} | {one:.1f} | {two:.1f} | {one / two:.2f} |", flush=True)
    print(f"\nTwo workers are {statistics.median(ratios):.2f} times as fast as one, in the median.")


def _trained(name: str, count: int) -> float:
    """Seconds for the trainings of a run whose data are there, from the first to the last."""
    settings = replace(budget("quick", seeds=count), timing_rounds=0, epochs=10)
    plan = make_plan(installed(), ["vae"], None, "bead-spring", settings)
    with (
        TemporaryDirectory(prefix="zoo-cluster-") as folder,
        build_engine(installed().find("engine", name)) as engine,
    ):
        work = prepare(plan, Path(folder), "cpu", None, lambda _event: None, engine=engine)
        data = work.data()
        work.floors(data, plan.metrics, settings.draws)
        start = time.perf_counter()
        work.carry_out()
        return time.perf_counter() - start


def _middle(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
