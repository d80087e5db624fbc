"""A results folder in a notebook: tidy data frames, conformations, figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import escape
from numpy.typing import NDArray

from zoo.errors import UsageError
from zoo.registry import Registry, installed
from zoo.report.energies import energy_of
from zoo.report.figures import Picture, draw
from zoo.report.records import Board, Entry, read_boards
from zoo.report.table import cells, columns
from zoo.wording import did_you_mean


def load(out: str | Path = "zoo-results") -> Results:
    """Everything a results folder holds, for a notebook.

    Args:
        out: The folder.

    Raises:
        UsageError: If there is no such folder, or it holds no results.

    Example:
        >>> load("nowhere")
        Traceback (most recent call last):
        zoo.errors.UsageError: there is no results folder 'nowhere'. Run `zoo run` first.
    """
    return Results(tuple(boards_in(Path(out))))


def boards_in(root: Path, registry: Registry | None = None) -> list[Board]:
    """The boards of a results folder, with the energies of datasets that are installed.

    Args:
        root: The folder.
        registry: Whose datasets to use; `None` takes what is installed.

    Raises:
        UsageError: If there is no such folder, or it holds no results.
    """
    if not root.is_dir():
        raise UsageError(f"there is no results folder {str(root)!r}. Run `zoo run` first.")
    known = registry or installed()
    boards = read_boards(root, lambda label: energy_of(label, known))
    if not boards:
        raise UsageError(f"the folder {str(root)!r} holds no results. Run `zoo run` first.")
    return boards


@dataclass(frozen=True, eq=False)
class Results:
    """What a results folder holds; in a notebook it shows its leaderboards.

    Args:
        boards: Its boards, numbered from 1 wherever one is asked for.
    """

    boards: tuple[Board, ...]

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row for each line, with the columns of `leaderboard.csv` and the board's number."""
        return pd.DataFrame(
            [{"board": number, **entry.line} for number, entry in self._entries()]
        ).convert_dtypes()

    @property
    def scores(self) -> pd.DataFrame:
        """One row for each metric of each training: its value, unit and floor."""
        return pd.DataFrame(
            [
                {**_names(number, entry), "seed": row["seed"], "metric": metric, "value": value,
                 "unit": row.get("metrics", {}).get(metric, {}).get("unit", ""),
                 **{f"floor_{end}": row["floors"].get(metric, {}).get(end, np.nan)
                    for end in ("mean", "low", "high")}}
                for number, entry in self._entries()
                for row in entry.rows
                for metric, value in row["values"].items()
            ]
        )  # fmt: skip

    @property
    def losses(self) -> pd.DataFrame:
        """One row for each epoch of each training by gradients, which lines of a model share."""
        found = {
            (number, entry.line["model"], seed, epoch): loss
            for number, entry in self._entries()
            for seed, own in entry.losses.items()
            for epoch, loss in enumerate(own, start=1)
        }
        names = ["board", "model", "seed", "epoch", "loss"]
        return pd.DataFrame([(*key, loss) for key, loss in found.items()], columns=names)

    def conformations(self, model: str, sampler: str, board: int = 1) -> NDArray[np.float32]:
        """What a line drew, all seeds one after the other.

        Args:
            model: The line's model.
            sampler: Its sampler.
            board: The board's number.

        Returns:
            Shape (n, beads, dim), in σ.

        Raises:
            UsageError: If there is no such line, or none of its conformations are kept.
        """
        name = f"{model} · {sampler}"
        found = {entry.name: entry for entry in self.board(board).entries}
        if name not in found:
            near = did_you_mean(name, found)
            raise UsageError(f"no line {name!r} on board {board}.{near}")
        drawn = found[name].drawn
        if drawn is None:
            raise UsageError(f"no conformations of {name!r} are kept.")
        kept: NDArray[np.float32] = drawn.numpy()
        return kept

    def figure(self, name: str, board: int = 1) -> Picture:
        """One figure of the report; a notebook shows it, and `.figure` is matplotlib's.

        Args:
            name: One of `zoo.report.FIGURE_NAMES`.
            board: The board's number.

        Raises:
            UsageError: If there is no such figure, or nothing to show in it.
        """
        chosen = self.board(board)
        picture = draw(chosen, name)
        if picture is None:
            raise UsageError(
                f"the board {chosen.title!r} has nothing to show in the figure {name!r}: "
                "see `zoo report` for those it has."
            )
        return picture

    def board(self, number: int) -> Board:
        """A board by its number.

        Args:
            number: From 1, in the order of the page.

        Raises:
            UsageError: If there is no such board.
        """
        if 1 <= number <= len(self.boards):
            return self.boards[number - 1]
        there = [f"{place} {board.title}" for place, board in enumerate(self.boards, start=1)]
        raise UsageError(f"there is no board {number}. The folder holds: {', '.join(there)}.")

    def _entries(self) -> Iterator[tuple[int, Entry]]:
        for number, board in enumerate(self.boards, start=1):
            yield from ((number, entry) for entry in board.entries)

    def _repr_html_(self) -> str:
        return "".join(
            f"<h4>{number} {escape(board.title)}</h4>{_table(board)}"
            for number, board in enumerate(self.boards, start=1)
        )


def _names(number: int, entry: Entry) -> dict[str, Any]:
    names = ("dataset", "preset", "device", "model", "sampler")
    return {"board": number, **{name: entry.line[name] for name in names}}


def _table(board: Board) -> str:
    found = columns(board)
    rows = [[cell.text for cell in cells(entry, found, tied=False)] for entry in board.entries]
    frame = pd.DataFrame(rows, columns=[column.heading for column in found])
    return str(frame.to_html(index=False, escape=True, border=0))
