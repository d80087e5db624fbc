"""Kill a run again and again, at random moments, and see that its scores are the same.

    python -m benchmarks.soak --kills 40     # about a quarter of an hour on two cores

A run is started, its parent or one of its children is killed without warning, and it is started
again, until it is through; then once more in a new folder, until there have been as many kills.
Every folder must have the scores of an undisturbed run, bit by bit, whole results only, and no
process left. Trainings keep a checkpoint after every epoch. Ends with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.settings import settings_for
from zoo.harness.store import Store
from zoo.registry import installed

MODELS = ("vae", "cfm", "shuffled")
SETTINGS = replace(
    settings_for("quick"), epochs=5, seeds=2, draws=1_000, floor_repeats=4, timing_rounds=2,
    timing_seconds=1.0, checkpoint_seconds=0.0,
)  # fmt: skip
NAMES = ("model", "sampler", "seed", "status", "values", "replicates", "without", "floors", "nfe")
GONE = 30.0
"""Seconds within which children must have ended after their parent."""


def main() -> int:
    """Parse the command line and kill."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return 0
    chance = random.Random(options.seed)  # noqa: S311 - no secret
    kills: Counter[str] = Counter()
    with TemporaryDirectory(prefix="zoo-soak-") as scratch:
        start = time.monotonic()
        work(Path(scratch) / "undisturbed")
        usual = time.monotonic() - start
        expected, faults, rounds = scores(Path(scratch) / "undisturbed"), 0, 0
        while kills.total() < options.kills:
            rounds += 1
            folder = Path(scratch) / f"round-{rounds}"
            disturb(folder, len(expected), options.kills, kills, chance=chance, usual=usual)
            found = [*odd(folder), *(["other scores"] if scores(folder) != expected else [])]
            faults += len(found)
            told = ", ".join(f"{number} of {what}" for what, number in sorted(kills.items()))
            print(f"round {rounds}: {told}: {'; '.join(found) or 'the same scores'}", flush=True)
    verdict = f"{faults} faults" if faults else "no fault"
    print(f"{kills.total()} kills in {rounds} rounds of {len(expected)} jobs: {verdict}")
    return 1 if faults else 0


def work(folder: Path) -> None:
    """The run that is disturbed."""
    registry = installed(first_party_only=True)
    samplers = ["direct", "ddim[steps=5]"]
    plan = make_plan(registry, MODELS, samplers, "bead-spring[n_train=2000,n_test=2000]", SETTINGS)
    Run(plan, Store(folder).open(), "cpu", describe(), jobs=2).execute()


def disturb(
    folder: Path, jobs: int, most: int, kills: Counter[str], *, chance: random.Random, usual: float
) -> None:
    """Start the run until it is through, and kill something of it each time, as long as we may."""
    while True:
        command = [sys.executable, "-m", "benchmarks.soak", "--work", str(folder)]
        driver = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
        children: list[int] = []
        while driver.poll() is None and kills.total() < most:
            with suppress(subprocess.TimeoutExpired):
                driver.wait(chance.uniform(0.1, usual / 3))
            children = descendants(driver.pid)
            if driver.poll() is None and chance.random() < 0.5:
                driver.kill()
                kills["the parent"] += 1
            elif children:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(children), signal.SIGKILL)
                    kills["a child"] += 1
        driver.wait()
        wait_for_end(children)
        through = [line for line in scores(folder) if line["status"] == "ok" and line["floors"]]
        if driver.returncode == 0 and len(through) == jobs:
            return


def scores(folder: Path) -> list[dict[str, object]]:
    """All that a run found out about quality, in a fixed order, as JSON has it."""
    rows = [{name: row[name] for name in NAMES} for row in Store(folder).rows()]
    return sorted(rows, key=lambda row: json.dumps([row[name] for name in NAMES[:3]]))


def odd(folder: Path) -> list[str]:
    """What a folder has that it should not have."""
    store, found = Store(folder).open(), []
    for path in folder.glob("*/*/result.json"):
        try:
            store.check(path.parent.parent.name, path.parent.name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
            found.append(str(error))
    found += [f"left: {path.name}" for path in folder.glob("unfinished/*")]
    found += [f"left: {path.name}" for path in folder.glob("damaged/*")]
    return found


def descendants(parent: int) -> list[int]:
    """Numbers of all processes that descend from one, as the system has them now."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            fields = path.read_bytes().rpartition(b")")[2].split()
            if fields[0] != b"Z":
                parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, new = [], [parent]
    while new:
        new = [child for one in new for child in parents.get(one, [])]
        found += new
    return found


def wait_for_end(children: Sequence[int]) -> None:
    """Wait until none of a driver's children runs any more.

    Raises:
        RuntimeError: If one goes on.
    """
    deadline = time.monotonic() + GONE
    while left := [child for child in children if runs(child)]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {left} outlived their parent by {GONE:g} s")
        time.sleep(0.1)


def runs(process: int) -> bool:
    """Whether a process is there, and no zombie."""
    with suppress(OSError):
        stat = Path(f"/proc/{process}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0] != b"Z"
    return False


if __name__ == "__main__":
    sys.exit(main())
