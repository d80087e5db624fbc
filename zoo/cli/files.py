"""The commands that write conformations to files, and that score files of anybody."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.cli.shared import budget_of, finish, note, registry_of, write
from zoo.errors import UsageError
from zoo.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from zoo.harness.plan import Entry


def sample(options: argparse.Namespace) -> int:
    """`zoo sample`: train if need be, draw, and write conformations to a file."""
    from safetensors.numpy import load

    from zoo import api
    from zoo.cli.progress import ProgressDisplay
    from zoo.harness.aims import Steer
    from zoo.harness.files import check_target, write_conformations, write_film
    from zoo.harness.plan import make_plan
    from zoo.harness.stages import DRAWN_FILE, FILM_FILE, Sample, Target

    check_target(options.output, options.trajectory)
    settings = replace(budget_of(options), draws=options.n)
    samplers = [options.sampler] if options.sampler else None
    plan = make_plan(registry_of(options), [options.model], samplers, options.dataset, settings)
    entry = plan.entries[0]
    _check_sampled(options, entry)
    with ProgressDisplay(3) as display:
        work = api.prepare(plan, options.out, options.device, 1, display)
        train = work.train(entry.model, work.data(), options.seed)
        trained = work.demand(train, entry.label)
        batch = min(options.n, settings.batch)
        stage = Sample(train, trained, entry.sampler, options.n, batch, options.trajectory)
        if options.target:
            observable, value = options.target
            way = Steer(train, trained, entry.sampler, observable, settings.batch)
            steered = work.demand(way, entry.label)
            scale = options.guidance or 1.0
            stage = replace(stage, target=Target(observable, value, scale, steered))
        drawn = work.demand(stage, entry.label)
    if options.trajectory:
        film = load((drawn.folder / FILM_FILE).read_bytes())
        write_film(options.output, film["trajectory"], film["times"])
    else:
        tensors = load((drawn.folder / DRAWN_FILE).read_bytes())
        write_conformations(options.output, tensors["conformations"])
    what = f"{options.n:,} conformations of {entry.label}, trained with preset {options.preset},"
    note(f"{what} are in {options.output}")
    return 0


def _check_sampled(options: argparse.Namespace, entry: Entry) -> None:
    walks = "path" in entry.model.listing.spec.offers
    if options.guidance and not options.target:
        raise UsageError("--guidance is how strongly to steer. Say where with --target rg=VALUE.")
    if options.trajectory and not walks:
        raise UsageError(f"{entry.model.label} draws in one pass: there is no trajectory to keep.")
    if options.target and not walks:
        raise UsageError(f"{entry.model.label} draws in one pass: there is no way to steer.")


def score(options: argparse.Namespace) -> int:
    """`zoo score`: score conformations from files, and with a name put them on the board."""
    from zoo import api, boards
    from zoo.cli.progress import ProgressDisplay
    from zoo.cli.scores import score_file, score_table
    from zoo.harness.plan import make_plan

    _check_scored(options)
    registry, seeds = registry_of(options), len(options.files)
    if options.name in {listing.spec.name for listing in registry.of("model")}:
        raise UsageError(f"the name {options.name!r} is that of a model. Choose another one.")
    plan = make_plan(registry, [], [], options.dataset, api.budget(options.preset, seeds))
    with ProgressDisplay(2 + seeds) as display:
        work = api.prepare(plan, options.out, "cpu", 1, display)
        if options.name is None:
            scores = score_file(work, options.files[0])
        else:
            work = replace(work, device=options.device)
            own, board = api.bring_in(work, options.name, options.files, options.seconds)
            _note_other_boards(boards.leaderboard(options.out), own)
    if options.name is None:
        write(score_table(scores, options.format))
        return 0 if all(line["value"] is not None for line in scores) else 1
    return finish(options, own, board)


def _check_scored(options: argparse.Namespace) -> None:
    for path in options.files:
        if not path.is_file():
            raise UsageError(f"there is no file {str(path)!r} to score.")
    if options.name is None and len(options.files) > 1:
        raise UsageError("several files are the trainings of one line. Give the line a --name.")
    if options.name is None and options.seconds is not None:
        raise UsageError("--seconds is for a line on the board. Give the line a --name.")
    if options.name is None and options.format not in ("table", "json"):
        raise UsageError(f"scores come as table or json, a line with a --name as {options.format}.")


def _note_other_boards(every: pd.DataFrame, own: pd.DataFrame) -> None:
    """Say which lines of the same budget stand elsewhere, having more or fewer trainings."""
    line = own.iloc[0]
    alike = every[(every["dataset"] == line["dataset"]) & (every["preset"] == line["preset"])]
    others = sorted(set(alike["trainings"]) - {line["trainings"]})
    if others:
        seeds = " and ".join(counted(n, "training") for n in others)
        note(
            f"lines with {seeds} are on a board of their own: give as many files as it has "
            f"trainings; these are {line['trainings']}"
        )
