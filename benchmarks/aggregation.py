"""How long a leaderboard of 100,000 rows takes.

    python -m benchmarks.aggregation zoo-results [--rows 100000]

Rows of a finished run are copied under other names, with values moved at random, to three seeds
a line: once as many small boards, as sweeps over chain lengths make them, and once as a single
board, where every line is held against every other.
"""

from __future__ import annotations

import argparse
import copy
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.board.leaderboard import leaderboard, to_csv
from zoo.harness.store import Store

SEEDS = 3
LINES = 50
"""Lines of a small board."""


def main() -> None:
    """Print one line per kind of board."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="results of a finished run")
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    kept = [row for row in Store(options.folder).rows() if row["status"] == "ok"]
    for name, lines in (("many boards", LINES), ("one board", options.rows)):
        rows = list(copies(kept, options.rows, lines))
        start = time.perf_counter()
        frame = leaderboard(rows)
        gathered = time.perf_counter() - start
        start = time.perf_counter()
        to_csv(frame)
        written = time.perf_counter() - start
        print(f"{name}: {len(rows):,} rows, {len(frame):,} lines in {gathered:.1f} s; "
              f"CSV {written:.1f} s")  # fmt: skip


def copies(kept: list[dict[str, Any]], rows: int, lines: int) -> Iterator[dict[str, Any]]:
    """Rows of made-up lines, so many to a board."""
    noise = random.Random(0)  # noqa: S311 - no secret
    for number in range(rows // SEEDS):
        line = copy.copy(kept[number % len(kept)])
        line["model"] = f"model-{number}"
        line["dataset"] = f"dataset-{number // lines}"
        line["reference"] = False
        factor = noise.uniform(0.5, 2.0)
        for seed in range(SEEDS):
            moved = factor * noise.uniform(0.9, 1.1)
            values = {name: value * moved for name, value in line["values"].items()}
            replicates = {
                name: [value * moved for value in own] for name, own in line["replicates"].items()
            }
            yield line | {"seed": seed, "values": values, "replicates": replicates}


if __name__ == "__main__":
    main()
