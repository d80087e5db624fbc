"""What a page shows of a results folder: its boards, their lines, and what was drawn for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load
from torch import Tensor

from zoo.board.compare import metrics_in
from zoo.board.leaderboard import BOARD, leaderboard
from zoo.board.text import as_text
from zoo.errors import StoreError
from zoo.harness.stages import DATA_FILE, DRAWN_FILE, REPLICAS_FILE
from zoo.harness.store import Result, Store
from zoo.wording import counted

Row = Mapping[str, Any]
Energy = Callable[[Tensor], Tensor]
"""Energies (n,) in kT of conformations (n, beads, dim) in σ."""


@dataclass(frozen=True, eq=False)
class Truth:
    """True conformations, as many as the folder keeps.

    Args:
        conformations: Those of the test set, then those of the other test sets where these are
            independent of it; shape (n, beads, dim), in σ.
        worth: How many independent ones they are worth.
    """

    conformations: Tensor
    worth: float


@dataclass(frozen=True, eq=False)
class Entry:
    """One line of a board, with what the folder keeps of it.

    Args:
        line: The line's columns, as `zoo.board.leaderboard` gives them.
        text: The same as the text that a CSV has.
        rows: The rows it was made of, by seed.
        drawn: Conformations of all seeds, shape (n, beads, dim), in σ; `None` if none are kept.
        losses: Mean loss of each epoch, by the seed of each training by gradients.
        missing: What should be kept and is not, a sentence each.
    """

    line: Mapping[str, Any]
    text: Mapping[str, str]
    rows: tuple[Row, ...]
    drawn: Tensor | None = None
    losses: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Model and sampler."""
        return f"{self.line['model']} · {self.line['sampler']}"

    @property
    def part(self) -> str:
        """`ranked`, `reference` or `failed`."""
        return str(self.line["part"])


@dataclass(frozen=True, eq=False)
class Board:
    """Lines of the same data and budget, with the truth they are held against.

    Args:
        entries: The lines: ranked ones by rank, then references, then those that failed.
        truth: What is kept of the test data; `None` if nothing is.
        energy: The dataset's energy, where it is known.
    """

    entries: tuple[Entry, ...]
    truth: Truth | None = None
    energy: Energy | None = field(default=None, repr=False)

    @property
    def line(self) -> Mapping[str, Any]:
        """The first line, for what all of them share."""
        return self.entries[0].line

    @property
    def title(self) -> str:
        """Dataset, preset, seeds and device in words."""
        first = self.line
        seeds = counted(int(first["trainings"]), "seed")
        return f"{first['dataset']} · preset {first['preset']} · {seeds} · {first['device']}"

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that any of its lines may have."""
        return metrics_in(pd.DataFrame([entry.text for entry in self.entries]))

    @property
    def drawn(self) -> list[Entry]:
        """The lines of which conformations are kept, and that did not fail."""
        return [e for e in self.entries if e.drawn is not None and e.part != "failed"]


def read_boards(
    root: Path, energy_of: Callable[[str], Energy | None] = lambda _label: None
) -> list[Board]:
    """All boards of a results folder, as `zoo leaderboard` orders them.

    Nothing is written. A file that is missing or damaged leaves a gap, which its line names.

    Args:
        root: The folder.
        energy_of: Gives a dataset's energy by its label.

    Returns:
        The boards; none if the folder holds no rows.
    """
    store = Store(root)
    rows = {key: {**row, "key": key} for key, row in store.keyed_rows().items()}
    frame = leaderboard(rows.values())
    boards: list[Board] = []
    if frame.empty:
        return boards
    for _, part in frame.groupby(list(BOARD), sort=False):
        found = [
            _entry(line, text, rows, store)
            for line, text in zip(part.to_dict("records"), as_text(part), strict=True)
        ]
        sha256 = next((e.rows[0]["made_by"]["data_sha256"] for e in found if e.rows), "")
        energy = energy_of(str(found[0].line["dataset"]))
        boards.append(Board(tuple(found), _truth(store, sha256), energy))
    return boards


def _entry(
    line: Mapping[Any, Any], text: Mapping[str, str], rows: Mapping[str, Row], store: Store
) -> Entry:
    own = [rows[key] for key in text["rows"].split()]
    drawn: list[Tensor] = []
    losses: dict[int, tuple[float, ...]] = {}
    missing: list[str] = []
    for row in own:
        for stage, key in row["made_by"].get("keys", {}).items():
            try:
                if stage == "train":
                    losses[row["seed"]] = tuple(store.check(stage, key).facts.get("losses", ()))
                elif stage == "sample":
                    drawn.append(_read(store.check(stage, key), DRAWN_FILE))
            except StoreError as error:
                missing.append(f"seed {row['seed']}: {error}")
    return Entry(
        line={str(name): value for name, value in line.items()},
        text=text,
        rows=tuple(own),
        drawn=torch.cat(drawn) if drawn else None,
        losses={seed: own for seed, own in losses.items() if own},
        missing=tuple(missing),
    )


def _read(result: Result, name: str) -> Tensor:
    return load((result.folder / name).read_bytes())["conformations"].float()


def _truth(store: Store, sha256: str) -> Truth | None:
    """Test conformations, with the other test sets if those are new truth."""
    for folder in sorted(store.root.glob("data/*")):
        try:
            data = store.check("data", folder.name)
        except StoreError:
            continue
        if data.facts.get("sha256") == sha256:
            test = load((data.folder / DATA_FILE).read_bytes())["test"].float()
            worth = float(data.facts["n_test_effective"])
            others = load((data.folder / REPLICAS_FILE).read_bytes())["test"].float()
            if bool((others[0, 0] == test).all(dim=(1, 2)).any()):  # this set's own, resampled
                return Truth(test, worth)
            every = torch.cat([test, others.flatten(0, 1)])
            return Truth(every, float(len(every)))
    return None
