"""Does it matter who does the work? One board by several engines, compared byte for byte.

    python -m benchmarks.engines            # `zoo run --all --preset quick` four times: ten minutes
    python -m benchmarks.engines --models vae truth

By child processes of this machine; by two Dask workers; by two of which one is killed in the
middle; and half by the one, then the rest by the other. Everything is that of `zoo run` but the
clocks, which nobody asks for here. Ends with 1 if any score differs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tabulate import tabulate

from zoo import api
from zoo.engine import Cancelled, Engine
from zoo.harness.engines import build_engine
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.rows import Row
from zoo.harness.run import Event
from zoo.registry import installed

SCORES = ("key", "model", "sampler", "seed", "status", "flags", "values", "replicates", "without",
          "floors", "nfe", "parameters")  # fmt: skip
LOCAL, DASK = "local", "dask[workers=2]"
RUNS = (
    ("child processes", LOCAL, False, ""),
    ("two workers", DASK, False, ""),
    ("two workers, of which one is killed", DASK, True, ""),
    ("two workers, after child processes have done half", DASK, False, LOCAL),
)
"""What each run is called, its engine, whether a worker is killed, and who did a half before."""

WRITTEN = Path(__file__).parent / "results" / "engines.md"


def main() -> None:
    """Run them all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="instead of all")
    parser.add_argument("--write", type=Path, default=WRITTEN)
    asked = parser.parse_args()
    lines, rows = [], []
    with TemporaryDirectory(prefix="zoo-engines-") as scratch:
        for number, (what, engine, kill, before) in enumerate(RUNS):
            folder, start = Path(scratch) / str(number), time.monotonic()
            if before:
                by(before, folder, asked.models, half=True)
            rows.append(by(engine, folder, asked.models, kill=kill))
            same = sum(one == other for one, other in zip(rows[0], rows[-1], strict=True))
            lines.append([what, f"{same} of {len(rows[0])}"])
            print(*lines[-1], f"{time.monotonic() - start:.0f} s", sep=" · ", flush=True)
    table = tabulate(lines, ["by", "rows as by the first"], "pipe", disable_numparse=True)
    made = f"`python -m benchmarks.engines`: bead-spring, preset quick, {describe().label}."
    asked.write.write_text(f"# One board by several engines\n\n{made}\n\n{table}\n", "utf-8")
    raise SystemExit(int(any(one != rows[0] for one in rows)))


def by(
    name: str,
    folder: Path,
    models: Sequence[str] | None,
    *,
    kill: bool = False,
    half: bool = False,
) -> list[str]:
    """Rows of a board that an engine makes, as text.

    Args:
        name: The engine.
        folder: Results folder.
        models: Names, or `None` for all.
        kill: Whether to kill a worker in the middle.
        half: Whether to make only the first half of the models.
    """
    registry, settings = installed(), replace(api.budget("quick"), timing_rounds=0)
    plan = make_plan(registry, models, None, "bead-spring", settings)
    if half:
        some = plan.models[: len(plan.models) // 2]
        entries = tuple(entry for entry in plan.entries if entry.model in some)
        plan = replace(plan, entries=entries)
    with build_engine(registry.find("engine", name)) as engine:
        watch = Killer(engine) if kill else _quiet
        rows = api.prepare(plan, folder, "cpu", None, watch, engine=engine).execute()
    return sorted(map(_scores, rows))


class Killer:
    """Kills a worker once three models have been trained.

    Args:
        engine: Whose worker.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._left = 3

    def __call__(self, event: Event) -> None:
        """Take note of what happens."""
        if event.stage == "train" and event.status:
            self._left -= 1
            if self._left == 0:
                worker = self._engine.submit(_process).result()
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)


def _process(_cancelled: Cancelled) -> int:
    return os.getpid()


def _quiet(_event: Event) -> None:
    """Nobody watches."""


def _scores(row: Row) -> str:
    return json.dumps({name: row.get(name) for name in SCORES}, sort_keys=True)


if __name__ == "__main__":
    main()
