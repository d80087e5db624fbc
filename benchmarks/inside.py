"""How far the lines of a board are from the truth in six distances, each over its floor.

python -m benchmarks.inside benchmarks/results/leaderboard.csv
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from zoo.board.leaderboard import read_csv

METRICS = {
    "rg_w1": "Rg",
    "ree_w1": "ends",
    "bond_w1": "bonds",
    "angle_w1": "angles",
    "contact_w1": "contacts",
    "energy_w1": "energy",
}
"""The six W1 distances, with what their columns are called."""


def main() -> None:
    """Print the table of a board."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("board", type=Path, metavar="BOARD", help="a leaderboard.csv")
    sys.stdout.write(inside(read_csv(parser.parse_args().board)))


def inside(board: pd.DataFrame) -> str:
    """Markdown: for the best line of every model, and of the references, distances over floors.

    A mean distance is in bold if it is at most the upper end of the floor's band, which holds 95%
    of the distances between single true sets. Lines with most of these come first. What line of a
    model is best is decided by these very numbers.

    Args:
        board: Lines as in `leaderboard.csv`.

    Example:
        >>> line = {"model": "a", "sampler": "direct", "part": "ranked"}
        >>> line |= {"kl": 0.02, "weight_ess": 0.97,
        ...          "cpu_us_per_sample": 25.0, "parameters": 10}
        >>> for name in METRICS:
        ...     line |= {name: 2.0, f"{name}_floor": 1.0, f"{name}_floor_high": 3.0}
        >>> print(inside(pd.DataFrame([line | {"bond_w1": 4.0}])).splitlines()[2].split("|")[2:5])
        [' **2.0**      ', ' **2.0**        ', ' 4.0             ']
    """
    good = board[board["part"] != "failed"].to_dict("records")
    lines = sorted(good, key=lambda line: (line["part"] == "reference", *_badness(line)))
    best = {line["model"]: line for line in reversed(lines)}
    headings = ["model · sampler"]
    headings += [f"{title}, ≤ {_limit(board, name):.1f}" for name, title in METRICS.items()]
    headings += ["KL [nats]", "ESS", "CPU [µs]", "parameters"]
    rows = [_row(line) for line in lines if best[line["model"]] is line]
    return tabulate(rows, headings, "pipe", disable_numparse=True) + "\n"


def _limit(board: pd.DataFrame, metric: str) -> float:
    """The upper end of the floor's band over the floor, the same for all lines of a board."""
    return float((board[f"{metric}_floor_high"] / board[f"{metric}_floor"]).max())


def _badness(line: Mapping[Hashable, Any]) -> tuple[int, float]:
    """Fewest outside first, then by what is furthest out."""
    over = [line[name] / line[f"{name}_floor_high"] for name in METRICS]
    worst = max(over) if all(map(math.isfinite, over)) else math.inf
    return sum(not ratio <= 1 for ratio in over), worst


def _row(line: Mapping[Hashable, Any]) -> list[str]:
    cells = [f"{line['model']} · {line['sampler']}"]
    for name in METRICS:
        ratio = f"{line[name] / line[f'{name}_floor']:.1f}"
        cells.append(f"**{ratio}**" if line[name] <= line[f"{name}_floor_high"] else ratio)
    for name, form in (("kl", ".3f"), ("weight_ess", ".1%"), ("cpu_us_per_sample", ",.3g")):
        value = line.get(name)
        cells.append("–" if value is None or pd.isna(value) else format(value, form))
    return [*cells, f"{line['parameters']:,.0f}"]


if __name__ == "__main__":
    main()
