"""Every path sampler on every path model, as a grid, from a finished leaderboard.

python -m benchmarks.grid benchmarks/results/leaderboard.csv
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from zoo.board.leaderboard import read_csv


def main() -> None:
    """Print the grid of a board."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("board", type=Path, metavar="BOARD", help="a leaderboard.csv")
    sys.stdout.write(grid(read_csv(parser.parse_args().board)))


def grid(board: pd.DataFrame) -> str:
    """Markdown: Rg W1 [std] of each path sampler (down) on each path model (across).

    Samplers stand in the order of their network calls, which are those on the first model that
    has them; a model is one with paths if it was drawn from by more than `direct`.

    Args:
        board: Lines as in `leaderboard.csv`.

    Example:
        >>> lines = [("ddpm", "ode", 21, 0.046), ("cfm", "ode", 21, 0.086), ("nsf", "direct", 1, 0)]
        >>> lines += [("ddpm", "ddim", 100, 0.087), ("cfm", "ddim", 100, 0.127)]
        >>> columns = ["model", "sampler", "nfe", "rg_w1"]
        >>> print(grid(pd.DataFrame(lines, columns=columns)))
        | sampler   |   calls |   ddpm |   cfm |
        |:----------|--------:|-------:|------:|
        | ode       |      21 |  0.046 | 0.086 |
        | ddim      |     100 |  0.087 | 0.127 |
        <BLANKLINE>
    """
    paths = board[board["sampler"] != "direct"]
    models = list(dict.fromkeys(paths["model"]))
    first = paths.drop_duplicates("sampler").sort_values("nfe", kind="stable")
    values = {(line["model"], line["sampler"]): line["rg_w1"] for line in paths.to_dict("records")}
    rows = [
        [sampler, f"{calls:.0f}", *(_cell(values.get((model, sampler))) for model in models)]
        for sampler, calls in zip(first["sampler"], first["nfe"], strict=True)
    ]
    return tabulate(rows, ["sampler", "calls", *models], "pipe") + "\n"


def _cell(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


if __name__ == "__main__":
    main()
