"""Whether two runs on the same machine say the same: tie groups, and times line by line.

    python -m benchmarks.repeatability A B     # two results folders, or two leaderboard.csv
    python -m benchmarks.repeatability --run   # makes the two runs first, about 20 minutes

With `--run` both are default runs of everything into new folders, so that the second trains,
draws and times again. Output is Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from zoo import api
from zoo.board.leaderboard import read_csv

LINE = ["model", "sampler", "dataset", "preset", "device"]
"""What says that a line of one run and a line of the other are the same."""

FIGURES = [
    *("rank", "part", "cpu", "cpu_clock", "cpu_us_per_sample", "cpu_us_low", "cpu_us_high"),
    *("cpu_relative", "cpu_relative_low", "cpu_relative_high"),
]
"""What is compared."""

ENOUGH = 0.9
"""Share of lines whose times should agree."""


def main() -> int:
    """Print the table and its summary; the exit status is 1 if the runs do not repeat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folder or CSV file")
    parser.add_argument("--run", action="store_true", help="make the two runs first")
    options = parser.parse_args()
    if options.run == bool(options.runs) or len(options.runs) not in (0, 2):
        parser.error("give two runs to compare, or --run to make them; not both")
    runs = [make_run(name) for name in "AB"] if options.run else options.runs
    tables = [read_csv(path / "leaderboard.csv" if path.is_dir() else path) for path in runs]
    table = side_by_side(*tables)
    missing = len(tables[0]) + len(tables[1]) - 2 * len(table)
    print(render(table))
    print(f"\n{summary(table, missing)}")
    return int(not repeats(table, missing))


def make_run(name: str) -> Path:
    """Run everything with the default preset into a new folder."""
    out = Path(tempfile.mkdtemp(prefix=f"zoo-run-{name}-"))
    print(f"run {name}: {out}", file=sys.stderr)
    api.run(out=out)
    return out


def side_by_side(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Lines that both runs have, with columns of A and B, and whether these agree.

    Args:
        a: Board of the first run.
        b: Board of the second run.

    Example:
        >>> line = dict.fromkeys(LINE, "x") | dict.fromkeys(FIGURES, 2.0) | {"rank": 1}
        >>> line |= {"cpu_us_low": 1.9, "cpu_us_high": 2.1}
        >>> other = line | {"cpu_us_low": 2.2, "cpu_us_per_sample": 2.3, "cpu_us_high": 2.4}
        >>> found = side_by_side(pd.DataFrame([line]), pd.DataFrame([other]))
        >>> found[["same_rank", "us_agree", "relative_agree"]].to_dict("list")
        {'same_rank': [True], 'us_agree': [False], 'relative_agree': [True]}
    """
    both = a[[*LINE, *FIGURES]].merge(b[[*LINE, *FIGURES]], on=LINE, suffixes=("_a", "_b"))
    ranks = both[["rank_a", "rank_b"]].astype("Float64").fillna(0.0)
    well = (both["part_a"] == both["part_b"]) & (both["part_a"] != "failed")
    both["same_rank"] = well & (ranks["rank_a"] == ranks["rank_b"])
    both["timed"] = both["cpu_us_per_sample_a"].notna() | both["cpu_us_per_sample_b"].notna()
    for name in ("us", "relative"):
        low, high = f"cpu_{name}_low", f"cpu_{name}_high"
        overlap = (both[f"{low}_a"] <= both[f"{high}_b"]) & (both[f"{low}_b"] <= both[f"{high}_a"])
        both[f"{name}_agree"] = overlap
    return both


def render(table: pd.DataFrame) -> str:
    """The lines as Markdown."""
    cells = [
        {
            "model": line["model"],
            "sampler": line["sampler"],
            "rank A": _rank(line["rank_a"]),
            "rank B": _rank(line["rank_b"]),
            "µs/sample A": _interval(line, "cpu_us_per_sample", "cpu_us", "a"),
            "µs/sample B": _interval(line, "cpu_us_per_sample", "cpu_us", "b"),
            "agree": _word(line, "us_agree"),
            "1,000 × relative A": _interval(line, "cpu_relative", "cpu_relative", "a", 1e3),
            "1,000 × relative B": _interval(line, "cpu_relative", "cpu_relative", "b", 1e3),
            "relative agree": _word(line, "relative_agree"),
            "clock A": line["cpu_clock_a"],
            "clock B": line["cpu_clock_b"],
        }
        for _, line in table.astype({"cpu_clock_a": "str", "cpu_clock_b": "str"}).iterrows()
    ]
    return tabulate(cells, headers="keys", tablefmt="pipe", disable_numparse=True)


def summary(table: pd.DataFrame, missing: int) -> str:
    """What the table comes to, in a few lines."""
    moved = table[~table["same_rank"]]
    names = ", ".join(f"{line['model']} · {line['sampler']}" for _, line in moved.iterrows())
    timed = table[table["timed"]]
    return "\n".join(
        [
            f"- lines in both runs: {len(table)}; in one only: {missing}",
            f"- lines that changed their tie group: {len(moved)}{': ' if names else ''}{names}",
            f"- times agree: {_share(timed['us_agree'])}",
            f"- times relative to the kernel agree: {_share(timed['relative_agree'])}",
            f"- CPU: {', '.join(sorted({*table['cpu_a'], *table['cpu_b']}))}",
        ]
    )


def repeats(table: pd.DataFrame, missing: int) -> bool:
    """Whether no line is missing or changed its tie group, and enough times agree."""
    timed = table[table["timed"]]
    enough = len(timed) > 0 and timed["us_agree"].mean() >= ENOUGH
    return missing == 0 and bool(table["same_rank"].all()) and bool(enough)


def _share(agree: pd.Series[bool]) -> str:
    return f"{agree.sum()} of {len(agree)} lines" + (f" ({agree.mean():.0%})" if len(agree) else "")


def _word(line: pd.Series, name: str) -> str:
    if not line["timed"]:
        return "–"
    return "yes" if line[name] else "**no**"


def _rank(rank: float) -> str:
    return "–" if pd.isna(rank) else f"{rank:g}"


def _interval(line: pd.Series, value: str, bounds: str, run: str, scale: float = 1.0) -> str:
    low, middle, high = (
        line[f"{name}_{run}"] * scale for name in (f"{bounds}_low", value, f"{bounds}_high")
    )
    return "–" if pd.isna(middle) else f"{middle:.3g} [{low:.3g}, {high:.3g}]"


if __name__ == "__main__":
    sys.exit(main())
