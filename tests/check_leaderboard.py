"""Look at a `leaderboard.csv` as somebody who only knows its format; used by `.ci/run`.

Usage: `python tests/check_leaderboard.py leaderboard.csv`
"""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path

COLUMNS = (
    "schema,rank,model,sampler,dataset,status,seeds,nfe,parameters,"
    "rg_w1,rg_w1_low,rg_w1_high,rg_w1_floor,rg_w1_ratio,bond_w1,ree_w1,"
    "cpu_us_per_sample,cuda_us_per_sample,train_seconds,reason"
)


def faults(text: str) -> list[str]:
    r"""What is wrong with a leaderboard in which every line should have gone well.

    Example:
        >>> line = "1,,vae,direct,chain,error,1,,9,,,,0.02,,,,,,,ran out of luck,failed"
        >>> faults(f"{COLUMNS},part\n{line}\n")
        ['vae with direct is error: ran out of luck', 'vae with direct has no rank', 'ranks are []']
    """
    if not text.startswith(COLUMNS):
        return [f"the columns begin {text.splitlines()[:1]}; expected {COLUMNS}"]
    found = []
    ranks = []
    for line in csv.DictReader(io.StringIO(text)):
        name = f"{line['model']} with {line['sampler']}"
        if line["status"] != "ok":
            found.append(f"{name} is {line['status']}: {line['reason']}")
        if line["rank"]:
            ranks.append(float(line["rank"]))
        elif line["part"] != "reference":
            found.append(f"{name} has no rank")
        if not 0 < _number(line["rg_w1_floor"]) < math.inf:
            found.append(f"{name} has the floor {line['rg_w1_floor']!r}; expected a positive one")
    if not ranks or ranks[0] != 1 or ranks != sorted(ranks):
        found.append(f"ranks are {ranks}")
    return found


def _number(text: str) -> float:
    return float(text) if text else math.nan


if __name__ == "__main__":
    sys.exit("\n".join(faults(Path(sys.argv[1]).read_text(encoding="utf-8"))) or 0)
