"""What a hundred thousand jobs cost before any of them runs, and their board after all of them.

    python -m benchmarks.planning > benchmarks/results/planning.md

Planning is `zoo run --dry-run` of a sweep, from the start of its process to its end. The board is
made of rows as the store has read them: a row for each job, ten seeds a line, with every metric
that is installed and the replicates, floors and times that a run of the preset `full` keeps.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from zoo.board.leaderboard import leaderboard
from zoo.board.tables import render
from zoo.harness.machine import describe
from zoo.harness.rowfile import read_row
from zoo.harness.settings import settings_for
from zoo.harness.whole import seal
from zoo.registry import installed

SEEDS, DATASETS, SAMPLERS, WIDTHS, STEPS = 10, 5, 2, 100, 10
JOBS = SEEDS * DATASETS * SAMPLERS * WIDTHS * STEPS
READ = 2_000
"""Row files that are read, to see what one takes."""

T = TypeVar("T")

Taken = tuple[float, float]
"""Seconds on the clock, and seconds of the processor: the clock also waits for others."""


def main() -> None:
    """Measure both and print a page."""
    planned, megabytes = plan()
    gathered, tables, reading = board()
    both = gathered[0] + tables["csv"][0], gathered[1] + tables["csv"][1]
    where = f"{describe().label}, Python {sys.version.split()[0]}, load {os.getloadavg()[1]:.1f}"
    print(f"# {JOBS:,} jobs\n")
    print(f"`python -m benchmarks.planning`, {where}.\n")
    print("| what | seconds | of the processor | aim |\n|:--|--:|--:|--:|")
    print(_line("`zoo run SWEEP --dry-run`, the whole process", planned, "5 s"))
    print(_line(f"board of {JOBS:,} rows and `leaderboard.csv`", both, "10 s"))
    print(_line("of these, rows gathered and ranked", gathered))
    for style, taken in tables.items():
        print(_line(f"the board as {style}", taken))
    print(_line(f"reading {JOBS:,} rows, from {READ:,} files of them", reading))
    print(f"\nThe dry run held {megabytes:.0f} MB at most; the aim is 500 MB. {_CLOCKS}")


_CLOCKS = """The clock also waits for
whatever else ran on the machine, as its load says; the processor is that of one thread."""


def _line(what: str, taken: Taken, aim: str = "") -> str:
    return f"| {what} | {taken[0]:.1f} | {taken[1]:.1f} | {aim} |"


def plan() -> tuple[Taken, float]:
    """What a dry run of all jobs takes, and the megabytes it holds."""
    models = f"ddpm[width={_some(WIDTHS)},steps={_some(STEPS)}]"
    data = f"bead-spring[beads={_some(DATASETS, 8)}]"
    words = ["run", models, data, "--sampler", "ddim", "--sampler", "ode", "--preset", "full"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "zoo", *words, "--dry-run", "--out", folder]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        seconds = time.perf_counter() - start
    if f"{JOBS:,} drawings" not in done.stderr:
        raise SystemExit(f"that was another plan: {done.stderr}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (seconds, used.ru_utime + used.ru_stime), used.ru_maxrss / 1e3


def board() -> tuple[Taken, dict[str, Taken], Taken]:
    """What it takes to gather a board, to write it in each style, and to read all rows."""
    kept = list(rows())
    gathered, frame = _timed(partial(leaderboard, kept))
    tables = {style: _timed(partial(render, frame, style))[0] for style in ("csv", "json", "md")}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.json" for number in range(READ)]
        for file, row in zip(files, kept, strict=False):
            file.write_text(seal(row))
        reading, _ = _timed(lambda: [read_row(file) for file in files])
    wall, own = (seconds * JOBS / READ for seconds in reading)
    return gathered, tables, (wall, own)


def rows() -> Iterator[dict[str, Any]]:
    """A row for each job: means all over the place, seeds that differ by a twentieth."""
    chance = random.Random(0)  # noqa: S311 - no secret
    metrics = [one.label for one in installed().of("metric")]
    for line in range(JOBS // SEEDS):
        mean = chance.uniform(0.02, 2.0)
        for seed in range(SEEDS):
            row = _row(line, seed, metrics, mean, chance)
            yield json.loads(json.dumps(row))  # nothing shared, as from files


def _row(
    line: int, seed: int, metrics: list[str], mean: float, chance: random.Random
) -> dict[str, Any]:
    settings = settings_for("full")
    value = mean * chance.gauss(1.0, 0.05)
    others = [value * chance.gauss(1.0, 0.02) for _ in range(settings.replicas)]
    plugin = {"plugin": "polymer-zoo/x", "version": "1", "source": "ab" * 32, "options": {}}
    return {
        "schema": 2,
        "key": f"{line:010x}{seed:010x}",
        "model": f"ddpm[width={line}]",
        "sampler": "ddim",
        "dataset": f"bead-spring[beads={8 + line % DATASETS}]",
        "seed": seed,
        "reference": False,
        "status": "ok",
        "reason": "",
        "flags": [],
        "values": dict.fromkeys(metrics, value),
        "replicates": dict.fromkeys(metrics, others),
        "without": {},
        "metrics": {name: {"unit": "", "best": 0.0, "lower_is_better": True} for name in metrics},
        "faults": {},
        "floors": {name: {"mean": 0.02, "low": 0.01, "high": 0.04} for name in metrics},
        "nfe": 100.0,
        "parameters": 250_000,
        "epochs": 400,
        "train_seconds": 100.0 * chance.uniform(0.9, 1.1),
        "sample_seconds": 1.0,
        "times": _times(chance) if seed == 0 else {},
        "settings": vars(settings) | {"seeds": SEEDS},
        "made_by": {
            "model": plugin,
            "sampler": plugin,
            "dataset": plugin,
            "code": "12",
            "keys": {},
            "data_sha256": "01" * 32,
            "device": "cpu",
            "trained_on": "a machine",
            "n_test": 10_000,
            "n_test_effective": 10_000.0,
            "timing_threads": 2,
            "machine": vars(describe()),
        },
        "measured": f"2026-01-01T00:00:{seed:02}+00:00",
    }


def _times(chance: random.Random) -> dict[str, Any]:
    batches = [0.002 * chance.uniform(0.9, 1.1) for _ in range(15)]
    return {"cpu": {"batch_seconds": batches, "single_seconds": batches, "kernel_seconds": batches}}


def _some(count: int, first: int = 1) -> str:
    return "|".join(map(str, range(first, first + count)))


def _timed(work: Callable[[], T]) -> tuple[Taken, T]:
    wall, own = time.perf_counter(), time.process_time()
    found = work()
    return (time.perf_counter() - wall, time.process_time() - own), found


if __name__ == "__main__":
    main()
