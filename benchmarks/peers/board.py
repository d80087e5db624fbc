"""One board for our models, a lecture's and other people's: fidelity, time, lines of code.

    benchmarks/peers/install.sh
    .venv-peers/bin/python -m benchmarks.peers.board             # about half an hour on two cores
    .venv-peers/bin/python -m benchmarks.peers.board --preset quick --write /tmp/peers.md

Lines, budget and scores are those of `zoo run`; the zoo knows of no peer. Every network works on
the same coordinates of the same conformations, and all trainings of a seed meet the same ones.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

import zoo
from benchmarks.telling import tell

OURS = ("vae", "nsf", "ddpm", "cfm", "grow", "ebm", "fragments", "nsf-ebm", "sde-ebm", "truth")
LECTURE = ("lecture-vae", "lecture-ddpm")
THEIRS = ("zuko-nsf", "zuko-maf", "zuko-cnf", "normflows-nsf", "torchcfm-icfm", "torchcfm-otcfm")
SAMPLERS = (
    *("direct", "ode", "ddim", "ancestral"),
    *("diffusers-ddpm", "diffusers-ddim", "diffusers-dpmpp"),
)
LIBRARIES = {f"zoo-{name}": name for name in ("zuko", "diffusers", "torchcfm", "normflows")}
"""The library that each of the four distributions brings in."""

WORDS = ("model", "sampler", "brought by")
HERE = Path(__file__).parent
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def main() -> None:
    """Run the board, or what of it is missing, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", default="standard", help="budget, as for `zoo run`")
    parser.add_argument("--out", type=Path, default=Path("zoo-results") / "peers")
    parser.add_argument("--write", type=Path, default=HERE.parent / "results" / "peers.md")
    asked = parser.parse_args()
    board = zoo.run(
        [*OURS, *LECTURE, *THEIRS],
        samplers=SAMPLERS,
        preset=asked.preset,
        device="cpu",
        out=asked.out,
        watch=tell,
    )
    asked.write.write_text(page(board), encoding="utf-8")
    print(asked.write.read_text(encoding="utf-8"))
    raise SystemExit(int((board["status"] != "ok").any()))


def page(board: pd.DataFrame) -> str:
    """The board as a page of Markdown."""
    lines = [line_of(line) for _, line in board.iterrows()]
    align = ["left" if name in WORDS else "right" for name in lines[0]]
    table = tabulate(lines, "keys", "pipe", disable_numparse=True, colalign=align)
    first = board.iloc[0]
    made = (
        f"`python -m benchmarks.peers.board`: preset {first['preset']}, "
        f"seeds: {first['trainings']}, {first['trained_on']}, torch {first['torch']}."
    )
    return f"# Ours and theirs\n\n{made}\n\n{table}\n\n{NOTES}"


def line_of(line: Mapping[str, Any] | pd.Series[Any]) -> dict[str, str]:
    """What the page shows of one line of the board.

    Args:
        line: Columns of `leaderboard.csv`.
    """
    brought = {name.partition("/")[0]: None for name in (line["plugin"], line["sampler_plugin"])}
    theirs = [name for name in brought if name in LIBRARIES]
    return {
        "model": f"{line['model']}",
        "sampler": f"{line['sampler']}",
        "Rg W1 [std]": f"{line['rg_w1']:.3f}",
        "95% interval": f"[{line['rg_w1_low']:.3f}, {line['rg_w1_high']:.3f}]",
        "× floor": f"{line['rg_w1_ratio']:.1f}",
        "bond W1 [σ]": f"{line['bond_w1']:.4f}",
        "contact W1 [σ]": f"{line['contact_w1']:.3f}",
        "calls": f"{line['nfe']:.0f}",
        "CPU [µs/sample]": f"{line['cpu_us_per_sample']:,.1f}",
        "training [s]": f"{line['train_seconds']:.0f}",
        "parameters": f"{line['parameters']:,.0f}",
        "brought by": ", ".join(f"{LIBRARIES[name]} {version(LIBRARIES[name])}" for name in theirs)
        or "ours",
        "lines of code": " + ".join(str(package_lines(name)) for name in theirs) or "–",
    }


def package_lines(distribution: str) -> int:
    """Lines of code of the package that a distribution of `LIBRARIES` installs."""
    spec = find_spec(distribution.replace("-", "_"))
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise SystemExit(f"{distribution} is not installed. Run benchmarks/peers/install.sh.")
    files = [path for folder in folders for path in Path(folder).rglob("*.py")]
    return sum(code_lines(path.read_text(encoding="utf-8")) for path in files)


def code_lines(source: str) -> int:
    r"""Lines of Python that hold code: no blank lines, no comments, no docstrings.

    Args:
        source: Text of a module.

    Example:
        >>> code_lines('"What it is."\n\n# why\nx = [  # here\n    1,\n]\n')
        3
    """
    texts = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = {
        number
        for token in tokens
        if token.type not in _NO_CODE
        for number in range(token.start[0], token.end[0] + 1)
    }
    return len(code - texts)


NOTES = """\
How to read it. Lower is better; intervals, floors and clocks are those of the board in the README.
Every model sees the same training conformations in the same standardised internal coordinates, with
the chain's symmetries made exact by augmentation, but for the lecture's two recipes, which are as
published; networks have 200,000 to 300,000 parameters, except `zuko-cnf` and those that know of
pairs: `grow`, `ebm`, `fragments`, `sde-ebm`. Path models train for the passes that all share,
`sde-ebm` for 300, spline and autoregressive flows for 50, as our `nsf` does; `zuko-cnf`, whose
every step solves a differential equation, has 7,317 and 20 passes. Peers take the learning
rate of our own of their kind; their settings were not searched.

* `torchcfm-icfm` and our `cfm` match the same flow with networks of one size that see the same;
  ours adds a skip connection, and leaves neighbours out of the distances.
* `torchcfm-otcfm` with `diffusers-ddpm` fails by its nature: optimal transport pairs data with
  noise that suits them, and stochastic steps assume noise that is independent of the data.
  Deterministic samplers only follow the velocity, and are right.
* `ddim` and `diffusers-ddim` take the same steps: the same figures up to the draws, so their times
  show what the scheduler costs. `diffusers-ddpm` is our `ancestral` with the small variance.
* Training seconds were taken with as many trainings at a time as there are cores, and beside
  whatever else the machine did: only their ratios mean something.
* Lines of code are those of the package that brings the line, its menu included: no blank lines,
  comments or docstrings. Our own lines ship with the zoo and are not counted.
"""


if __name__ == "__main__":
    main()
