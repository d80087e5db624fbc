"""What several commands do: choose from what is installed, print, and end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.registry import Registry, installed
from zoo.specs import HEADLINE
from zoo.wording import printable

if TYPE_CHECKING:
    import pandas as pd

    from zoo.harness.settings import Settings


def registry_of(options: argparse.Namespace) -> Registry:
    """What is installed, less what the command line leaves out."""
    return installed(options.blocked, first_party_only=options.no_plugins)


def budget_of(
    options: argparse.Namespace, seeds: int | None = None, *, compiled: bool = False
) -> Settings:
    """What a command may spend."""
    from zoo import api

    return api.budget(options.preset, seeds, options.timeout, options.memory, compiled=compiled)


def finish(
    options: argparse.Namespace,
    own: pd.DataFrame,
    board: pd.DataFrame,
    left_out: Sequence[str] = (),
) -> int:
    """Print a board; the exit status is that of the command's own lines."""
    from zoo.board.tables import render

    write(render(board, options.format, left_out))
    note(f"kept in {options.out}: leaderboard.csv, leaderboard.md, leaderboard.json")
    if own[f"{HEADLINE}_floor"].isna().any():
        note("the floor could not be measured: nothing says what a perfect model would get")
    elif (own["status"] == "ok").all():
        return 0
    note(f"what failed has left its output and traceback in {options.out / 'logs'}")
    return 1


def write(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text)


def note(text: str) -> None:
    """Say something on standard error."""
    sys.stderr.write(f"zoo: {printable(text)}\n")
