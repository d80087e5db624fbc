"""The tables of `docs/lecture.md`: what a lecture says of its models, and what is measured.

    python -m benchmarks.lecture                    # write them anew, from `benchmarks/results/`
    python -m benchmarks.lecture results-dmol       # keep the scores of a run on `dmol` before

The run was `zoo run --all --dataset dmol --preset full --seeds 3 --out results-dmol`. The exact
chain's figures are those of the board in the README, the latent planes those of `python -m
benchmarks.latent`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

import zoo
from zoo.board.leaderboard import read_csv
from zoo.board.tables import render

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "lecture.md"
RESULTS = ROOT / "benchmarks" / "results"

Line = Mapping[Hashable, Any]
Name = tuple[str, str]
"""Model and sampler."""
Board = Mapping[Name, Line]

ENTRY = "model · sampler"
VAE, DDPM = ("lecture-vae", "direct"), ("lecture-ddpm", "ancestral")
OURS = (("vae", "direct"), ("ddpm", "ode"), ("cfm", "ode"), ("nsf", "direct"))
STOCHASTIC = (("ddpm", "ancestral"), ("cfm", "ancestral"))
LATENT = tuple(
    (model, sampler)
    for sampler in ("dpmpp", "ode", "ancestral")
    for model in ("ddpm", "latent-ddpm")
)
CANARIES = (("copy-train", "direct"), ("gaussian", "direct"))

SIZE = {
    "rg_w1": "Rg W1 [std]",
    "rg_mean": "mean Rg [σ]",
    "rg_mean_error": "error of mean Rg",
    "rg_std_error": "error of its std",
}
SHARPNESS = {
    "bond_w1": "bond W1 [σ]",
    "contact_w1": "contact W1 [σ]",
    "energy_w1": "energy W1 [kT]",
    "clash_fraction": "chains that clash",
}
VARIETY = {"diversity": "diversity", "coverage": "coverage", "memorization": "memorization"}
CODES = {name: (SIZE | SHARPNESS)[name] for name in ("rg_w1", "bond_w1", "contact_w1")}
NO_ENERGY = {"energy_w1", "clash_fraction"}
"""Metrics that mean nothing without an energy: a clash is a distance in σ."""


def main() -> None:
    """Keep the board of a run if there is one, and write the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="results of a run on `dmol`")
    folder = parser.parse_args().folder
    if folder is not None:
        keep(zoo.leaderboard(folder))
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")


def keep(board: pd.DataFrame) -> None:
    """Write a board on the trajectory to the results, as text and as CSV, without its times.

    What a draw costs does not depend on what was learned: times are those of the exact chain's
    board, and a run that only asks for scores may share its machine.

    Args:
        board: Lines on `dmol`, or on a copy of its file: the dataset takes no other file, so that
            where the copy lies is nobody's business.

    Raises:
        SystemExit: If there is another dataset.
    """
    others = board["dataset"][~board["dataset"].str.fullmatch(r"dmol(\[path=.*\])?")]
    if len(others):
        raise SystemExit(f"there are lines on {others.iloc[0]!r}: expected a run on dmol only.")
    times = [str(name) for name in board.filter(regex="^(cpu|cuda)_")]
    nothing = dict.fromkeys(times, math.nan) | {"cpu_clock": "", "cuda_clock": ""}
    board = board.assign(dataset="dmol", **nothing)
    for style, name in (("csv", "dmol.csv"), ("md", "dmol.md")):
        (RESULTS / name).write_text(render(board, style), "utf-8")


def lines_of(path: Path) -> Board:
    """The lines of a `leaderboard.csv`."""
    records = read_csv(path).to_dict("records")
    return {(line["model"], line["sampler"]): line for line in records}


def speed(board: Board) -> str:
    """What 1,000 conformations take."""
    names = [name for name in (VAE, DDPM, *OURS, ("latent-ddpm", "ode")) if name in board]
    return _table([_cost(board[name]) | _times_the_vae(board[name], board) for name in names])


def scores(board: Board, metrics: Mapping[str, str], more: Sequence[Name] = ()) -> str:
    """Metrics of the lecture's lines, of ours, and of reference lines, under their floors."""
    names = [name for name in (VAE, DDPM, *OURS, *more, *CANARIES) if name in board]
    rows = [_scores(board[name], metrics) for name in names]
    return _table([_floors(board[VAE], metrics), *rows])


def latent_diffusion(board: Board) -> str:
    """Diffusion of codes beside diffusion of coordinates."""
    lines = [board[name] for name in LATENT if name in board]
    rows = [_scores(line, CODES) | _cost(line) for line in lines]
    return _table([_floors(board[VAE], CODES), *rows])


def filled(page: str) -> str:
    """A page with every block made anew.

    Args:
        page: Markdown, with `<!-- name -->` before a block and `<!-- /name -->` after it.

    Raises:
        ValueError: If a block is not there once.
    """
    boards = [lines_of(RESULTS / f"{name}.csv") for name in ("leaderboard", "dmol")]
    blocks = {
        name: "\n\n".join(f"{title(board)}\n\n{table(board)}" for board in boards)
        for name, table in TABLES.items()
    }
    planes = (RESULTS / "latent.md").read_text("utf-8")
    blocks["speed"] = f"{title(boards[0])}\n\n{speed(boards[0])}"
    blocks["latent-planes"] = planes[planes.index("|") :].strip()
    for name, block in blocks.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = page.split(begin)
        _, after = rest.split(end)
        page = f"{before}{begin}{block}\n{end}{after}"
    return page


def title(board: Board) -> str:
    """What a table is of: data, what they are worth, and the budget."""
    line = board[VAE]
    frames, worth = line.get("test_size"), line["test_effective"]
    test = f"{worth:,.0f} independent test conformations"
    if frames is not None and worth < frames:
        test = f"{frames:,.0f} test conformations, worth {worth:,.0f} independent ones"
    return f"**{line['dataset']}**, preset {line['preset']}, {line['trainings']} seeds, {test}:"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows with the columns of the last one."""
    names = list(rows[-1])
    return tabulate(
        [[row.get(name, "") for name in names] for row in rows],
        names,
        "pipe",
        disable_numparse=True,
        colalign=["left", *["right"] * (len(names) - 1)],
    )


def _floors(line: Line, metrics: Mapping[str, str]) -> dict[str, str]:
    """What a perfect model would get."""
    return {ENTRY: "floor"} | _figures(line, metrics, "_floor")


def _scores(line: Line, metrics: Mapping[str, str]) -> dict[str, str]:
    """Metrics with their intervals."""
    return {ENTRY: f"{line['model']} · {line['sampler']}"} | _figures(line, metrics, "")


def _figures(line: Line, metrics: Mapping[str, str], which: str) -> dict[str, str]:
    """Metrics that mean something on the line's dataset."""
    skipped = NO_ENERGY if pd.isna(line.get("energy_w1")) else set()
    ends = (which, f"{which}_low", f"{which}_high")
    return {
        heading: _number(*(line[f"{metric}{end}"] for end in ends))
        for metric, heading in metrics.items()
        if metric not in skipped
    }


def _number(value: float, low: float, high: float) -> str:
    """A figure and its interval, to three digits or the last one before the point.

    Example:
        >>> _number(0.12, 0.1, 1357.2)
        '0.120 [0.100, 1,357]'
        >>> _number(math.nan, math.nan, math.nan)
        '–'
    """
    if math.isnan(value):
        return "–"
    words = [f"{x:#.3g}" if abs(x) < 100 else f"{x:,.0f}" for x in (value, low, high)]
    return f"{words[0]} [{words[1]}, {words[2]}]"


def _cost(line: Line) -> dict[str, str]:
    """Network calls, and what 1,000 conformations take: µs each are ms for all of them."""
    times = (line[f"cpu_us_{end}"] for end in ("per_sample", "low", "high"))
    return {
        ENTRY: f"{line['model']} · {line['sampler']}",
        "parameters": f"{line['parameters']:,.0f}",
        "calls": f"{line['nfe']:.0f}",
        "1,000 draws [ms]": _number(*times),
    }


def _times_the_vae(line: Line, board: Board) -> dict[str, str]:
    """How many times as long as the lecture's VAE: ends of both intervals against each other."""
    vae = board[VAE]
    ratios = (
        line[f"cpu_us_{mine}"] / vae[f"cpu_us_{its}"]
        for mine, its in (("per_sample", "per_sample"), ("low", "high"), ("high", "low"))
    )
    return {"times the lecture's VAE": "1" if line is vae else _number(*ratios)}


TABLES: Mapping[str, Callable[[Board], str]] = {
    "sharpness": partial(scores, metrics=SHARPNESS),
    "size": partial(scores, metrics=SIZE),
    "variety": partial(scores, metrics=VARIETY, more=STOCHASTIC),
    "latent-diffusion": latent_diffusion,
}
"""Blocks of the page that hold a table of each board."""


if __name__ == "__main__":
    main()
