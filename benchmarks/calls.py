"""Fidelity against network calls: every way along a path, from 5 calls to 1,000.

    python -m benchmarks.calls                                 # about an hour on two cores
    python -m benchmarks.calls --seeds 1 --models ddpm         # one training of one model
    python -m benchmarks.calls --preset quick --calls 5 10 20 --write /tmp/calls.md

Lines, budget and scores are those of `zoo run`, without its clocks; what its results folder holds
already is not made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from benchmarks.telling import tell
from zoo import api
from zoo.harness.plan import make_plan
from zoo.registry import installed

WALKS: Mapping[str, Callable[[int], str]] = {
    "ode, rk4": lambda calls: f"ode[method=rk4,steps={(calls - 1) // 4}]",
    "heun": lambda calls: f"heun[steps={(calls + 1) // 2}]",
    "dpmpp": lambda calls: f"dpmpp[steps={calls}]",
    "adams": lambda calls: f"adams[steps={calls}]",
    "ddim": lambda calls: f"ddim[steps={calls}]",
    "ancestral": lambda calls: f"ancestral[steps={calls}]",
    "reverse-sde": lambda calls: f"reverse-sde[steps={calls}]",
    "pc": lambda calls: f"pc[steps={calls // 2}]",
}
"""Every path sampler, with the most steps that so many network calls pay for."""

CALLS = (5, 10, 20, 50, 100, 200, 1000)
METRICS = {"rg_w1": "Rg W1 [std]", "contact_w1": "contact W1 [σ]", "bond_w1": "bond W1 [σ]"}
WRITTEN = Path(__file__).parent / "results" / "calls.md"


def main() -> None:
    """Run what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["ddpm", "cfm"], metavar="MODEL")
    parser.add_argument("--calls", nargs="+", type=int, default=CALLS, help="5 or more each")
    parser.add_argument("--preset", default="standard", help="budget, as for `zoo run`")
    parser.add_argument("--seeds", type=int, help="trainings of each model, as for `zoo run`")
    parser.add_argument("--out", type=Path, default=Path("zoo-results-calls"))
    parser.add_argument("--write", type=Path, default=WRITTEN)
    asked = parser.parse_args()
    if min(asked.calls) < 5:
        parser.error("a step of rk4 and the last one are 5 calls: expected --calls of 5 or more")
    # Nobody asks for the clocks here, and those of a thousand calls would take the longest.
    settings = replace(api.budget(asked.preset, asked.seeds), timing_rounds=0)
    samplers = [walk(calls) for walk in WALKS.values() for calls in asked.calls]
    plan = make_plan(installed(), asked.models, samplers, "bead-spring", settings)
    board, _ = api.carry_out(api.prepare(plan, asked.out, "cpu", None, tell))
    asked.write.write_text(page(board, asked.models, asked.calls), encoding="utf-8")
    print(asked.write.read_text(encoding="utf-8"))
    raise SystemExit(int((board["status"] != "ok").any()))


def page(board: pd.DataFrame, models: Sequence[str], calls: Sequence[int]) -> str:
    """The board as a page of Markdown: for each model and metric, samplers against calls."""
    first = board.iloc[0]
    made = (
        f"`python -m benchmarks.calls`: {first['dataset']}, preset {first['preset']}, "
        f"trainings of each model: {first['trainings']}, {first['trained_on']}, torch "
        f"{first['torch']}. Each walk takes as many steps as the calls at the head of its column "
        "pay for. In brackets the 95% interval, then the ratio to the floor: what two true sets of "
        "this size differ by."
    )
    parts = ["# Fidelity against network calls", made]
    for model in models:
        own = board[board["model"] == model]
        lines = {line["sampler"]: line for line in own.to_dict("records")}
        for metric, title in METRICS.items():
            floor = own[f"{metric}_floor"].max()  # the same in all lines that did not fail
            parts += [f"## {model}: {title}, floor {floor:.2g}", table(lines, metric, calls)]
    return "\n\n".join(parts) + "\n"


def table(lines: Mapping[str, Mapping[Any, Any]], metric: str, calls: Sequence[int]) -> str:
    """One metric of one model.

    Args:
        lines: The model's lines of the board, by sampler.
        metric: Name of the metric.
        calls: Network calls of each column.

    Example:
        >>> line = {"bond_w1": 0.2, "bond_w1_low": 0.1, "bond_w1_high": 0.3, "bond_w1_ratio": 4}
        >>> print(table({"adams[steps=5]": line}, "bond_w1", [5]).splitlines()[5])
        | adams       | 0.2 [0.1, 0.3] ×4.0 |
    """
    rows = [
        [name, *(_cell(lines.get(walk(number)), metric) for number in calls)]
        for name, walk in WALKS.items()
    ]
    headers = ["sampler", *(f"{number:,} calls" for number in calls)]
    return tabulate(rows, headers, "pipe", disable_numparse=True)


def _cell(line: Mapping[Any, Any] | None, metric: str) -> str:
    if line is None or pd.isna(line[metric]):
        return "–"
    value, low, high = (f"{line[metric + end]:.2g}" for end in ("", "_low", "_high"))
    return f"{value} [{low}, {high}] ×{line[f'{metric}_ratio']:.1f}"


if __name__ == "__main__":
    main()
