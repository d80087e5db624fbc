"""Boards that are there: gathered, read, held against one another, verified, explained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import StoreError, UsageError
from zoo.harness.kept import Row, choose_rows, find_rows
from zoo.harness.machine import describe
from zoo.harness.rowfile import SCHEMA
from zoo.harness.run import Watch
from zoo.harness.store import Store
from zoo.harness.verify import Finding, line_findings, recompute
from zoo.registry import Registry, installed

if TYPE_CHECKING:
    import pandas as pd


def leaderboard(out: str | Path = "zoo-results") -> pd.DataFrame:
    """The leaderboard of everything kept in a results folder.

    Args:
        out: The folder.

    Raises:
        UsageError: If there is no such folder.
    """
    from zoo.board.leaderboard import leaderboard as gather

    if not Path(out).is_dir():
        raise UsageError(f"there is no results folder {str(out)!r}. Run `zoo run` first.")
    return gather(Store(Path(out)).rows())


def read_board(path: str | Path) -> pd.DataFrame:
    """The leaderboard in a file, or in a results folder.

    Args:
        path: A `leaderboard.csv`, or a folder that holds one or at least rows.

    Raises:
        UsageError: If there is none, or it cannot be read.
    """
    from zoo.board.compare import read_board as read

    path = Path(path)
    if not path.exists():
        raise UsageError(f"there is no file or folder {str(path)!r}. Expected a leaderboard.csv.")
    file = path / "leaderboard.csv" if path.is_dir() else path
    if file.is_file() or not path.is_dir():
        frame = read(file)
        newer = [text for text in frame["schema"] if text.isdigit() and int(text) > SCHEMA]
        if newer:
            raise UsageError(
                f"{str(file)!r} was written by a newer zoo: its schema is {newer[0]}, and this one "
                f"reads up to {SCHEMA}. Install a newer polymer-zoo."
            )
        return frame
    frame = leaderboard(path)
    if frame.empty:
        raise UsageError(f"the folder {str(path)!r} holds no leaderboard.csv and no results.")
    return frame


def compare(
    base: str | Path, head: str | Path, metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """Hold one leaderboard against another; the same as `zoo compare`.

    Args:
        base: What is taken as given, as `read_board` takes it.
        head: What is to be judged.
        metrics: Metrics to compare; `None` takes `rg_w1`, `bond_w1` and `ree_w1`, and an empty
            list all there are.

    Returns:
        One line per cell, with its verdict and the reason.

    Raises:
        UsageError: If a board cannot be read, or has no such metric.
    """
    from zoo.board.compare import compare as hold
    from zoo.board.compare import metrics_in
    from zoo.board.judgement import METRICS

    frames = read_board(base), read_board(head)
    there = metrics_in(*frames)
    for name in metrics or ():
        if name not in there:
            raise UsageError(f"no metric {name!r} in either file. There are: {', '.join(there)}.")
    return hold(*frames, METRICS if metrics is None else metrics or there)


def verify(
    board: str | Path,
    *,
    out: str | Path = "zoo-results",
    jobs: int | None = None,
    registry: Registry | None = None,
    watch: Watch = lambda _event: None,
) -> tuple[list[Finding], int]:
    """Compute every quality figure of a leaderboard again from the kept conformations.

    Args:
        board: A `leaderboard.csv`.
        out: The results folder it was made from, which is only read.
        jobs: Rows at a time; `None` means one per core.
        registry: Whose metrics and datasets to use; `None` takes what is installed.
        watch: Takes events while it goes on, from several threads.

    Returns:
        What does not hold, and how many figures were looked at.

    Raises:
        UsageError: If the file is no leaderboard or has no lines, or the folder is not where it
            was made.
    """
    from zoo.board.compare import metrics_in
    from zoo.board.derived import WORDS, figures
    from zoo.board.leaderboard import leaderboard as gather
    from zoo.board.text import as_text

    frame, store = read_board(board), Store(Path(out))
    if not store.root.is_dir():
        raise UsageError(f"there is no results folder {str(out)!r} to verify {str(board)!r} by.")
    if frame.empty:
        raise UsageError(f"{str(board)!r} has no lines to verify.")
    lines, findings = _with_rows(as_text(frame), store)
    if not lines:
        raise UsageError(
            f"the folder {str(out)!r} holds no row of {str(board)!r}. Expected the results folder "
            "that the board was made in."
        )
    rows = [row for _, own in lines for row in own]
    registry = registry or installed()
    done = recompute(rows, registry, store, jobs or describe().cores, watch)
    findings += [finding for row in done for finding in row.findings()]
    looked_at = sum(len(row["values"]) for row in rows)
    again = {line["rows"]: line for line in as_text(gather(one.again for one in done))}
    for line, own in lines:
        other = again[" ".join(row.get("key", "") for row in own)]
        numbers = list(figures(line, other, metrics_in(frame)))
        findings += line_findings(line, other, numbers, WORDS)
        looked_at += len(numbers)
    return findings, looked_at


def kept_lines(names: Sequence[str], out: str | Path = "zoo-results") -> list[str]:
    """What made kept lines, in words, and the commands that make them again.

    Args:
        names: Model and sampler, perhaps a seed; or the beginning of one row's key.
        out: The results folder.

    Returns:
        One text for each board that has such a line.

    Raises:
        UsageError: If nothing of the kind is kept.
    """
    from zoo.board.compare import metrics_in
    from zoo.board.leaderboard import leaderboard as gather
    from zoo.board.provenance import provenance
    from zoo.board.text import as_text

    store = Store(Path(out))
    rows = choose_rows(store.keyed_rows(), names, str(out))
    frame = gather(rows.values())
    lines = [(line, find_rows(line, rows)) for line in as_text(frame)]
    return [provenance(line, own, metrics_in(frame), str(out)) for line, own in lines]


def _with_rows(
    lines: list[dict[str, str]], store: Store
) -> tuple[list[tuple[dict[str, str], list[Row]]], list[Finding]]:
    """Lines with the rows they were made of, and what there is to say of those without."""
    kept = store.keyed_rows()
    found, findings = [], []
    for line in lines:
        try:
            found.append((line, list(find_rows(line, kept).values())))
        except StoreError as error:
            name = line["model"], line["sampler"]
            findings.append(Finding(*name, "", "rows", "", str(error)))
    return found, findings
