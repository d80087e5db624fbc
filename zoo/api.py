"""Boards made from Python: what `zoo run` does, with data frames in place of tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.engine import Engine, Local
from zoo.errors import UsageError
from zoo.harness.engines import build_engine, look
from zoo.harness.kept import Row
from zoo.harness.machine import can_compile, usual_jobs
from zoo.harness.memory import is_known
from zoo.harness.plan import Plan, make_plans
from zoo.harness.run import Event, Run, Watch
from zoo.harness.settings import Settings, settings_for
from zoo.harness.store import Store
from zoo.registry import installed

if TYPE_CHECKING:
    import pandas as pd


def run(
    models: Sequence[str] | None = None,
    *,
    samplers: Sequence[str] | None = None,
    dataset: str | Sequence[str] = "bead-spring",
    preset: str = "standard",
    seeds: int | None = None,
    device: str = "auto",
    jobs: int | None = None,
    timeout: float | None = None,
    memory: float | None = None,
    engine: str = "local",
    compiled: bool = False,
    out: str | Path = "zoo-results",
    watch: Watch = lambda _event: None,
) -> pd.DataFrame:
    """Train, draw, score and time, and return the leaderboard; the same as `zoo run`.

    Args:
        models: Names with options, such as `"vae[latent=4]"`; `None` runs all, the slow ones
            only at the preset `full`. `"vae[latent=2|4]"` stands for both; so with samplers and
            datasets.
        samplers: Names with options; `None` takes all that fit.
        dataset: Name with options, or several; each makes a board of its own.
        preset: `quick`, `standard`, `full` or `lecture`.
        seeds: Trainings of each model; `None` takes the preset's number.
        device: `auto`, `cpu` or `cuda`.
        jobs: Trainings at a time; `None` means one per core, or one on a GPU.
        timeout: Seconds after which a training, or any other step, is ended; `None` means 3600.
        memory: Memory that its processes may hold, in GB (10⁹ bytes); `None` sets no limit.
        engine: Name with options of what carries out the work.
        compiled: Whether torch compiles the network calls of path models, for which it takes a
            C++ compiler. Such lines make boards of their own.
        out: Folder of results. What it holds already is not made again.
        watch: Takes events while the run goes on, from several threads.

    Returns:
        One line per dataset, model and sampler, as in `leaderboard.csv`.

    Raises:
        UsageError: If something asked for does not exist or does not fit.
        StoreError: If a result could not be saved.

    Example:
        >>> frame = run(["truth"], dataset="bead-spring[beads=4]", preset="quick",
        ...             device="cpu", jobs=1, out=getfixture("tmp_path"))
        >>> frame[["model", "sampler", "status"]].values.tolist()
        [['truth', 'direct', 'ok']]
    """
    settings = budget(preset, seeds, timeout, memory, compiled=compiled)
    registry = installed()
    datasets = [dataset] if isinstance(dataset, str) else dataset
    first, *more = make_plans(registry, models, samplers, datasets, settings)
    with build_engine(registry.find("engine", engine)) as carrier:
        return carry_out(prepare(first, Path(out), device, jobs, watch, engine=carrier), more)[0]


def budget(
    preset: str,
    seeds: int | None = None,
    timeout: float | None = None,
    memory: float | None = None,
    *,
    compiled: bool = False,
) -> Settings:
    """A preset's settings, with other limits, seeds and ways of calling if they are asked for.

    Raises:
        UsageError: If there is no such preset, no seed is asked for, or memory cannot be seen.
    """
    settings = settings_for(preset)
    if compiled:
        settings = settings.compile()
    if memory is not None and not is_known():
        raise UsageError("this system does not say what memory a process holds: set no limit.")
    if seeds is not None and seeds < 1:
        raise UsageError(f"{seeds} seeds leave nothing to do. Expected at least 1.")
    return replace(
        settings,
        seeds=settings.seeds if seeds is None else seeds,
        timeout=settings.timeout if timeout is None else timeout,
        memory_gb=memory,
    )


def prepare(
    plan: Plan,
    out: Path,
    device: str,
    jobs: int | None,
    watch: Watch,
    *,
    engine: Engine | None = None,
) -> Run:
    """A run that is ready to start: folder writable, device there."""
    engine, store = engine or Local(), Store(out).open()
    found, machine, host = look(engine, device)
    if plan.settings.compiled and not host and not can_compile():
        raise UsageError("torch compiles by a C++ compiler, and there is none: install g++.")
    jobs = jobs or (0 if host else usual_jobs(found))
    return Run(plan, store, found, machine, jobs, watch, engine, host)


def carry_out(prepared: Run, more: Sequence[Plan] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Execute a run, and write the boards it belongs to into the results folder.

    Args:
        prepared: The run.
        more: Plans of other datasets, to be executed after it in the same way.

    Returns:
        The run's own lines, and the whole boards: also what earlier runs have kept of the same
        datasets at the same budget.
    """
    runs = [replace(prepared, plan=plan) for plan in (prepared.plan, *more)]
    if more:
        runs = [replace(run, watch=_saying(run.plan.dataset.label, run.watch)) for run in runs]
    for run in runs[1:]:
        run.data()  # one that cannot be made is told of before anything is trained
    keys = [key for run in runs for key in run.carry_out()]
    left_out = dict.fromkeys(sentence for run in runs for sentence in run.plan.left_out)
    return _publish(prepared.store, map(prepared.store.row, keys), list(left_out))


def _saying(dataset: str, watch: Watch) -> Watch:
    """A watch to which every event says which dataset it is about."""

    def tell(event: Event) -> None:
        here = "" if dataset in event.job else f" on {dataset}"
        watch(replace(event, job=f"{event.job}{here}"))

    return tell


def bring_in(
    work: Run, name: str, files: Sequence[Path], seconds: float | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put files on the board as one line; see `zoo.harness.brought.bring_in`.

    Returns:
        The line, and the whole board, as `carry_out`.
    """
    from zoo.harness.brought import bring_in as score

    return _publish(work.store, score(work, name, files, seconds))


def _publish(
    store: Store, rows: Iterable[Row], left_out: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines of some rows and the board they are on, which is written into the folder."""
    from zoo.board import FORMATS
    from zoo.board.leaderboard import BOARD
    from zoo.board.leaderboard import leaderboard as gather
    from zoo.board.tables import render

    own = gather(rows)
    every = gather(store.rows())
    ours = set(own[list(BOARD)].itertuples(index=False, name=None))
    same = [line in ours for line in every[list(BOARD)].itertuples(index=False, name=None)]
    board = every[same].reset_index(drop=True)
    for style in FORMATS[1:]:
        store.write(f"leaderboard.{style}", render(board, style, left_out))
    return own, board
