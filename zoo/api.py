"""The zoo from Python: what the command line does, with data frames in place of tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.engine import Engine, Local
from zoo.errors import StoreError, UsageError
from zoo.harness.engines import build_engine, look
from zoo.harness.kept import Row, choose_rows, find_rows
from zoo.harness.machine import describe, usual_jobs
from zoo.harness.memory import is_known
from zoo.harness.plan import Plan, make_plans
from zoo.harness.rowfile import SCHEMA
from zoo.harness.run import Event, Run, Watch
from zoo.harness.settings import Settings, settings_for
from zoo.harness.store import Store
from zoo.harness.verify import Finding, line_findings, recompute
from zoo.registry import Registry, installed

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
    settings = budget(preset, seeds, timeout, memory)
    registry = installed()
    datasets = [dataset] if isinstance(dataset, str) else dataset
    first, *more = make_plans(registry, models, samplers, datasets, settings)
    with build_engine(registry.find("engine", engine)) as carrier:
        return carry_out(prepare(first, Path(out), device, jobs, watch, engine=carrier), more)[0]


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


def budget(
    preset: str,
    seeds: int | None = None,
    timeout: float | None = None,
    memory: float | None = None,
) -> Settings:
    """A preset's settings, with other limits and another number of seeds if they are given.

    Raises:
        UsageError: If there is no such preset, no seed is asked for, or memory cannot be seen.
    """
    settings = settings_for(preset)
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
