"""What each idea gains: the models of pair potentials, changed in one thing at a time.

    python -m benchmarks.ablation                                      # half an hour
    python -m benchmarks.ablation --preset quick --seeds 2 --write /tmp/ablation.md

Lines, budget and scores are those of `zoo run`, without its clocks; what its results folder holds
already is not made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from benchmarks.inside import METRICS
from benchmarks.telling import tell
from zoo import api
from zoo.harness.plan import make_plan
from zoo.registry import installed

CHANGES: Mapping[str, str] = {
    "ebm": "one density with potentials between pairs",
    "ebm[apart=2]": "the same potential for all pairs",
    "ebm[width=8]": "a network of 8 units for the potentials",
    "ebm[knots=12]": "a coarse density of angles",
    "ebm[knots=128]": "a fine one",
    "fragments": "halves of `ebm` from a library of 16,384",
    "fragments[halves=2048]": "a library of 2,048",
    "shuffled": "no potentials: coordinates of other chains",
    "grow": "bead by bead, potentials and a correction by a network",
    "grow[seen=0]": "the network sees no beads",
    "grow[width=8]": "a network of 8 units for the potentials",
    "grow[knots=32]": "a coarse density of angles",
    "nsf-ebm": "a flow over coordinates along the chain, corrected by potentials",
    "nsf": "not corrected",
    "sde-ebm": "scores with forces between beads, 17 calls, corrected by potentials",
    "sde-ebm[energy=False]": "not corrected",
    "sde-ebm[forces=False]": "corrected, without forces",
    "sde-ebm[energy=False,forces=False]": "neither",
    "score-sde": "neither; 120 passes at a higher rate for 300, 20 calls of `dpmpp`",
}
"""Models, and how each is unlike the first of its family."""

WRITTEN = Path(__file__).parent / "results" / "ablation.md"


def main() -> None:
    """Run what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", default="standard", help="budget, as for `zoo run`")
    parser.add_argument("--seeds", type=int, help="trainings of each model, as for `zoo run`")
    parser.add_argument("--out", type=Path, default=Path("zoo-results-ablation"))
    parser.add_argument("--write", type=Path, default=WRITTEN)
    asked = parser.parse_args()
    settings = replace(api.budget(asked.preset, asked.seeds), timing_rounds=0)
    plan = make_plan(installed(), list(CHANGES), ["direct", "dpmpp"], "bead-spring", settings)
    board, _ = api.carry_out(api.prepare(plan, asked.out, "cpu", None, tell))
    asked.write.write_text(page(board), encoding="utf-8")
    print(asked.write.read_text(encoding="utf-8"))
    raise SystemExit(int((board["status"] != "ok").any()))


def page(board: pd.DataFrame) -> str:
    """The board as a page of Markdown.

    Example:
        >>> line = {"model": "ebm", "dataset": "d", "preset": "p", "trainings": 3, "torch": "2"}
        >>> line |= {"trained_on": "a machine", "kl": 0.01, "weight_ess": 0.98, "nfe": 1}
        >>> line["parameters"] = 7
        >>> for name in METRICS:
        ...     line |= {name: 2.0, f"{name}_floor": 1.0, f"{name}_low": 1.0, f"{name}_high": 3.0}
        >>> print(page(pd.DataFrame([line])).splitlines()[-1].split("|")[3])
         2.0 [1.0, 3.0]
    """
    first, lines = board.iloc[0], {line["model"]: line for line in board.to_dict("records")}
    made = (
        f"`python -m benchmarks.ablation`: {first['dataset']}, preset {first['preset']}, "
        f"trainings of each model: {first['trainings']}, {first['trained_on']}, torch "
        f"{first['torch']}. Distances are over their floors, with 95% intervals: 1 is what two "
        "sets of true conformations are apart."
    )
    headings = ["model", "what it is", *(f"{title} ×" for title in METRICS.values())]
    rows = [_row(name, what, lines[name]) for name, what in CHANGES.items() if name in lines]
    headings += ["KL [nats]", "ESS", "calls", "parameters"]
    table = tabulate(rows, headings, "pipe", disable_numparse=True)
    return f"# What each idea gains\n\n{made}\n\n{table}\n"


def _row(name: str, what: str, line: Mapping[Any, Any]) -> list[str]:
    cells = []
    for metric in METRICS:
        value, low, high = (line[metric + end] / line[f"{metric}_floor"] for end in _ENDS)
        cells.append(f"{value:.1f} [{low:.1f}, {high:.1f}]")
    for metric, form in (("kl", ".3f"), ("weight_ess", ".1%")):
        found = line.get(metric)
        cells.append("–" if found is None or pd.isna(found) else format(found, form))
    return [name, what, *cells, f"{line['nfe']:.1f}", f"{line['parameters']:,.0f}"]


_ENDS = ("", "_low", "_high")


if __name__ == "__main__":
    main()
