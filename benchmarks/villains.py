"""Ten plugins that do harm beside the honest ones: does anybody's score change?

    python -m benchmarks.villains     # `zoo run --all --preset quick` twice: most of an hour
    python -m benchmarks.villains -- --all --sampler direct --sampler ode    # minutes

The villains of `tests/villains.py` are installed into a folder of their own, and the scores of all
others are compared with those of a run without them, byte by byte. Ends with 1 if any differ, if a
villain has another status than it should, or if the run with villains ends with another status
than 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conftest import Install
from tests.villains import VILLAINS
from zoo.harness.store import Store

NAMES = ("status", "flags", "values", "replicates", "without", "floors", "nfe", "parameters", "key")
Rows = dict[tuple[str, str, int], dict[str, Any]]


def main() -> int:
    """Run with and without villains, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timeout", default="60", help="for each step (default: 60)")
    parser.add_argument("--memory", default="3", help="in GB, for each step (default: 3)")
    parser.add_argument("words", nargs="*", help="other words than --all after zoo run")
    options = parser.parse_args()
    limits = ["--timeout", options.timeout, "--memory", options.memory]
    rest = ["--preset", "quick", "--device", "cpu", *limits]
    with TemporaryDirectory(prefix="zoo-villains-") as scratch:
        site = Path(scratch) / "site"
        site.mkdir()
        words = options.words or ["--all"]
        status, alone = run(Path(scratch) / "alone", [*words, *rest])
        print(f"without villains: {len(alone)} rows, exit {status}", flush=True)
        install = Install(site)
        for villain in VILLAINS:
            install(villain.distribution, villain.code)
        names = [f"{villain.distribution}/{villain.name}" for villain in VILLAINS]
        named = [] if "--all" in words else names
        status, crowd = run(Path(scratch) / "crowd", [*named, *words, *rest], site)
        print(f"with villains: {len(crowd)} rows, exit {status}")
    return judge(status, alone, crowd)


def run(folder: Path, words: list[str], site: Path | None = None) -> tuple[int, Rows]:
    """Exit status and rows of a run, with what is in a folder installed as well."""
    paths = [str(site)] if site else []
    paths += os.environ.get("PYTHONPATH", "").split(os.pathsep)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "zoo", "run", *words, "--no-report", "--out", str(folder)]
    done = subprocess.run(  # noqa: S603 - our own
        command, env=env, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    rows = {(row["model"], row["sampler"], row["seed"]): row for row in Store(folder).rows()}
    return done.returncode, rows


def judge(status: int, alone: Rows, crowd: Rows) -> int:
    """Print what became of everybody; 0 if all is as it should be."""
    faults = 0 if status == 1 else 1
    for villain in VILLAINS:
        (row,) = (row for (model, *_), row in crowd.items() if model == villain.name)
        right = (row["status"], tuple(row["flags"])) == (villain.status, villain.flags)
        faults += not right
        told = f"{row['status']} {' '.join(row['flags'])} {row['reason']}"
        print(f"{villain.name:10} {'as expected' if right else 'WRONG'}: {told[:100]}")
    differ = [
        name
        for name, row in alone.items()
        if json.dumps({x: row[x] for x in NAMES})
        != json.dumps({x: crowd.get(name, {}).get(x) for x in NAMES})
    ]
    print(f"{len(alone) - len(differ)} of {len(alone)} honest rows are equal, byte for byte")
    for name in differ:
        print(f"differs: {name}")
    return 1 if faults or differ else 0


if __name__ == "__main__":
    sys.exit(main())
