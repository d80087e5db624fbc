"""The zoo from Python: what the command line does, with data frames in place of tables."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import UsageError
from zoo.harness.machine import describe
from zoo.harness.plan import Plan, make_plan
from zoo.harness.run import Run, Watch, find_device
from zoo.harness.settings import Settings, settings_for
from zoo.harness.store import Store
from zoo.registry import Registry, discover

if TYPE_CHECKING:
    import pandas as pd


def run(
    models: Sequence[str] | None = None,
    *,
    samplers: Sequence[str] | None = None,
    dataset: str = "bead-spring",
    preset: str = "standard",
    seeds: int | None = None,
    device: str = "auto",
    jobs: int | None = None,
    out: str | Path = "zoo-results",
    watch: Watch = lambda _event: None,
) -> pd.DataFrame:
    """Train, draw, score and time, and return the leaderboard; the same as `zoo run`.

    Args:
        models: Names with options, such as `"vae[latent=4]"`; `None` runs all.
        samplers: Names with options; `None` takes all that fit.
        dataset: Name with options.
        preset: `quick`, `standard`, `full` or `lecture`.
        seeds: Trainings of each model; `None` takes the preset's number.
        device: `auto`, `cpu` or `cuda`.
        jobs: Trainings at a time; `None` means one per core, or one on a GPU.
        out: Folder of results. What it holds already is not made again.
        watch: Takes events while the run goes on, from several threads.

    Returns:
        One line per model and sampler, as in `leaderboard.csv`.

    Raises:
        UsageError: If something asked for does not exist or does not fit.
        StoreError: If a result could not be saved.

    Example:
        >>> frame = run(["truth"], preset="quick", device="cpu", jobs=1,
        ...             out=getfixture("tmp_path"))
        >>> frame[["model", "sampler", "status"]].values.tolist()
        [['truth', 'direct', 'ok']]
    """
    settings = budget(preset, seeds)
    plan = make_plan(installed(), models, samplers, dataset, settings)
    return carry_out(prepare(plan, Path(out), device, jobs, watch))[0]


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


def installed(blocked: Collection[str] = (), *, first_party_only: bool = False) -> Registry:
    """What is installed, less what is blocked here or not named in `ZOO_PLUGINS`."""
    listed = os.environ.get("ZOO_PLUGINS")
    allowed = None if listed is None else [name.strip() for name in listed.split(",") if name]
    return discover(blocked=blocked, allowed=allowed, first_party_only=first_party_only)


def budget(preset: str, seeds: int | None = None) -> Settings:
    """A preset's settings, with another number of seeds if one is given.

    Raises:
        UsageError: If there is no such preset, or no seed is asked for.
    """
    settings = settings_for(preset)
    if seeds is None:
        return settings
    if seeds < 1:
        raise UsageError(f"{seeds} seeds leave nothing to do. Expected at least 1.")
    return replace(settings, seeds=seeds)


def prepare(plan: Plan, out: Path, device: str, jobs: int | None, watch: Watch) -> Run:
    """A run that is ready to start: folder writable, device there."""
    found, gpu = find_device(device)
    machine = describe(gpu)
    if jobs is None:
        jobs = 1 if found == "cuda" else machine.cores
    return Run(plan, Store(out).open(), found, machine, jobs, watch)


def carry_out(prepared: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Execute a run, and write the board it belongs to into the results folder.

    Returns:
        The run's own lines, and the whole board: also what earlier runs have kept of the same
        dataset at the same budget.
    """
    from zoo.board import FORMATS
    from zoo.board.leaderboard import BOARD
    from zoo.board.leaderboard import leaderboard as gather
    from zoo.board.tables import render

    own = gather(prepared.execute())
    every = gather(prepared.store.rows())
    ours = set(own[list(BOARD)].itertuples(index=False, name=None))
    same = [line in ours for line in every[list(BOARD)].itertuples(index=False, name=None)]
    board = every[same].reset_index(drop=True)
    for style in FORMATS[1:]:
        prepared.store.write(f"leaderboard.{style}", render(board, style))
    return own, board
