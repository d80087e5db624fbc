"""The commands that a build may fail by: what got worse, and what does not hold."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from zoo.cli.shared import registry_of
from zoo.errors import UsageError
from zoo.wording import counted, printable


def compare(options: argparse.Namespace) -> int:
    """`zoo compare BASE HEAD`: hold one leaderboard against another."""
    from zoo import boards
    from zoo.board.compare import exit_status
    from zoo.board.compare_tables import render_comparison

    metrics = [] if options.all_metrics else options.metric
    cells = boards.compare(options.base, options.head, metrics)
    sys.stdout.write(render_comparison(cells, options.format))
    return exit_status(cells)


def verify(options: argparse.Namespace) -> int:
    """`zoo verify BOARD`: compute a board's quality figures again, and say which differ."""
    from zoo import boards
    from zoo.cli.progress import ProgressDisplay

    registry = registry_of(options)
    beside = options.board.parent
    out = options.out or (beside if (beside / "rows").is_dir() else Path("zoo-results"))
    rows = sum(1 for _ in (out / "rows").glob("*.json"))
    with ProgressDisplay(rows) as display:
        findings, looked_at = boards.verify(
            options.board, out=out, jobs=options.jobs, registry=registry, watch=display
        )
    for finding in findings:
        seed = f" seed {finding.seed}" if finding.seed else ""
        kept = f"kept {finding.kept}, recomputed " if finding.kept else ""
        name = f"{finding.model} · {finding.sampler}{seed} · {finding.figure}"
        sys.stdout.write(f"{printable(name)}: {kept}{printable(finding.found)}\n")
    verdict = f"{len(findings):,} do not hold" if findings else "all hold"
    sys.stdout.write(f"{looked_at:,} figures verified: {verdict}\n")
    return 1 if findings else 0


def is_key(name: str, out: Path) -> bool:
    """Whether a name is the beginning of a kept row's key: at least six hexadecimal digits."""
    return bool(re.fullmatch("[0-9a-f]{6,}", name)) and any((out / "rows").glob(f"{name}*.json"))


def show_kept(options: argparse.Namespace) -> int:
    """`zoo show MODEL SAMPLER [SEED]` and `zoo show KEY`: what made a line, and how to again."""
    from zoo import boards

    if len(options.names) > 3:
        raise UsageError(f"{len(options.names)} names; expected MODEL, SAMPLER and perhaps SEED.")
    texts = boards.kept_lines(options.names, options.out)
    sys.stdout.write("\n".join(texts))
    return 0


def why(options: argparse.Namespace) -> int:
    """`zoo why MODEL SAMPLER [SEED]` and `zoo why KEY`: what has changed since a row was made."""
    from zoo.harness.kept import choose_rows
    from zoo.harness.store import Store
    from zoo.harness.why import explain

    store, changed = Store(options.out), 0
    if not store.root.is_dir():
        raise UsageError(f"there is no results folder {str(options.out)!r}. Run `zoo run` first.")
    rows = choose_rows(store.keyed_rows(), options.names, str(options.out))
    registry = registry_of(options)
    for key, row in rows.items():
        found = explain(row, registry, store)
        what = f"{row['model']} · {row['sampler']} seed {row['seed']} (row {key})"
        verdict = counted(len(found), "change") if found else "nothing has changed"
        sys.stdout.write(f"{printable(what)}: {verdict}\n")
        for one in found:
            text = f"{one.stage}: {one.part}: was {one.was}, is {one.now}"
            sys.stdout.write(f"  {printable(text)}\n")
        changed += len(found)
    return 1 if changed else 0
