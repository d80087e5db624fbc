"""Conformations that came in files: their scores, and the rows that put them on a board."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.harness.execution import Outcome
from zoo.harness.rows import Job, Row, make_row
from zoo.harness.run import Run
from zoo.harness.stages import DRAWN_FILE, Score, Train
from zoo.harness.store import Result, now
from zoo.harness.whole import digest
from zoo.polymer.files import read_conformations
from zoo.registry import Choice, Listing, Plugin
from zoo.registry.validation import NAME
from zoo.specs import API, ModelSpec, SamplerSpec, Spec

OWNER = "scored"
"""Stands where the distribution of a plugin would."""


def read_drawn(work: Run, path: Path) -> Result:
    """Put the conformations of a file where drawn ones are kept, under their content's name.

    Args:
        work: A run on the dataset they are to be compared with.
        path: The file.

    Raises:
        UsageError: If the file will not do.
    """
    from safetensors.numpy import save

    beads, dim = work.data().facts["shape"]
    x = read_conformations(path, (beads, dim))
    key = hashlib.sha256(x.tobytes()).hexdigest()[:20]
    if kept := work.store.find("sample", key):
        return kept
    folder = work.store.scratch()
    (folder / DRAWN_FILE).write_bytes(save({"conformations": x}))
    return work.store.keep("sample", key, folder, {"network_calls": 0.0, "n": len(x)})


def score_drawn(work: Run, drawn: Result, label: str) -> Outcome:
    """Every metric of conformations from a file that needs no model."""
    plan, settings = work.plan, work.plan.settings
    metrics = tuple(one for one in plan.metrics if not one.listing.spec.model_needs)
    groups = min(settings.draw_groups, drawn.facts["n"] // 2)  # each leaves some for the others
    groups = groups if groups > 1 and settings.seeds == 1 else 0
    stage = Score(drawn, plan.dataset, work.data(), metrics, settings.replicas, groups)
    return work.resolve(stage, label)


def bring_in(work: Run, name: str, paths: Sequence[Path], seconds: float | None) -> list[Row]:
    """Score files as the trainings of one model, and keep a row of each.

    Args:
        work: A run whose plan has the dataset and the budget of the board.
        name: What to call the model.
        paths: One file per training, with equally many conformations.
        seconds: What drawing all of them took, as somebody says; `None` if unknown.

    Returns:
        The rows, one per file.

    Raises:
        UsageError: If the name or a file will not do.
        StoreError: If a row could not be saved.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a line: write a lower-case letter and at most 39 more of "
            "a-z, 0-9, _ and -."
        )
    sets = _read_all(work, paths)
    n = sets[0].facts["n"]
    settings = replace(work.plan.settings, draws=n, seeds=len(paths))
    work = replace(work, plan=replace(work.plan, settings=settings))
    floors = work.floors(work.data(), work.plan.metrics, n)
    version = digest([drawn.key for drawn in sets])[:12]
    times = {} if seconds is None else {work.device: _stated(seconds / (n * len(paths)))}
    rows = []
    for seed, drawn in enumerate(sets):
        job = _job(work, name, version, seed, drawn)
        job.scored = score_drawn(work, drawn, f"{name} seed {seed}")
        row = make_row(job, work.plan, floors, times, work.machine)
        row |= {"nfe": None, "measured": now()}  # the files given last are the ones meant
        row["made_by"]["brought"] = True
        work.store.keep_row(job.key, row)
        rows.append(row)
    return rows


def _read_all(work: Run, paths: Sequence[Path]) -> list[Result]:
    """Sets of equally many conformations, no two of them the same."""
    sets = [read_drawn(work, path) for path in paths]
    if len({drawn.facts["n"] for drawn in sets}) > 1:
        counts = [f"{one.facts['n']:,} in {path}" for path, one in zip(paths, sets, strict=True)]
        raise UsageError(
            f"the files hold {', '.join(counts)}. Give equally many conformations in each."
        )
    if len({drawn.key for drawn in sets}) < len(sets):
        raise UsageError("two of the files hold the same conformations. Give each training once.")
    return sets


def _job(work: Run, name: str, version: str, seed: int, drawn: Result) -> Job:
    """A job that somebody else has done up to its scores."""

    def choice(spec: Spec) -> Choice:
        return Choice(Listing(spec, Plugin(spec.name, OWNER, version, ""), spec.name))

    common: dict[str, Any] = {"api": API, "factory": "elsewhere:unknown", "summary": ""}
    model = choice(ModelSpec(name=name, offers={"draw"}, **common))
    sampler = choice(SamplerSpec(name="file", needs={"draw"}, **common))
    train = Train(model, work.plan.dataset, work.data(), seed, 0, False, work.device)
    return Job(train, sampler, False, Outcome("ok"), drawn=Outcome("ok", result=drawn))


def _stated(seconds: float) -> Outcome:
    facts = {"stated_seconds": seconds}
    return Outcome("ok", result=Result("time", "", Path(), facts, {}, now()))
