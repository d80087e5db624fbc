"""An errand in the process of a worker: what it needs there, and what it brings back.

Whether the worker shares the driver's disk shows in the driver's scratch folder, whose name
nobody else can have. If so, results are read where they lie, and what is made is left in that
folder. Else what is missing is asked for, kept in a pantry, and what is made is sent back.
"""

from __future__ import annotations

import platform
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from zoo.harness.alike import difference
from zoo.harness.attempt import INTERRUPTED
from zoo.harness.errand import Errand, Report
from zoo.harness.hosts import side_by_side
from zoo.harness.machine import describe, gpu_name
from zoo.harness.pantry import pantry
from zoo.harness.parts import replaced, results_in
from zoo.harness.stages import Stage, device_of
from zoo.harness.store import CHECKPOINT


def carry_out(errand: Errand, cancelled: Callable[[], bool]) -> Report:
    """Do an errand here, if this is a place to do it."""
    if refused := difference(errand.stages, errand.expected):
        return Report(INTERRUPTED, host=platform.node(), refused=refused)
    shared = errand.scratch.is_dir()
    needed = {(one.stage, one.key): one for stage in errand.stages for one in results_in(stage)}
    if shared:
        needed = {names: one for names, one in needed.items() if not one.folder.is_dir()}
    with pantry().holding(needed.values(), errand.parcels) as places:
        if missing := tuple(needed.keys() - places.keys()):
            return Report(INTERRUPTED, missing=missing)
        moved = {names: replace(needed[names], folder=place) for names, place in places.items()}
        stages = tuple(replaced(stage, moved) for stage in errand.stages)
        with side_by_side(alone=errand.alone, cancelled=cancelled) as free:
            return _work(errand, stages, shared, cancelled) if free else Report(INTERRUPTED)


def _work(
    errand: Errand, stages: tuple[Stage, ...], shared: bool, cancelled: Callable[[], bool]
) -> Report:
    start = time.monotonic()
    with _workplace(errand, shared) as folder:
        log = _log_of(folder)
        ending = errand.work(stages, folder, log, cancelled)
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        return Report(
            ending,
            time.monotonic() - start,
            describe(_gpu_of(stages)).label,
            platform.node(),
            log.read_bytes() if log.exists() else b"",
            folder if shared else None,
            {name: None if shared else (folder / name).read_bytes() for name in names},
        )


def _gpu_of(stages: tuple[Stage, ...]) -> str:
    return gpu_name() if device_of(stages[0]) == "cuda" else ""


@contextmanager
def _workplace(errand: Errand, shared: bool) -> Iterator[Path]:
    """A folder of this attempt's own: an earlier one that was cut off may still be at work.

    In a shared folder an attempt goes on from the checkpoints of those before it.
    """
    name = errand.folder.name
    folder = errand.scratch / f"{name}.{uuid.uuid4().hex}" if shared else pantry().new()
    folder.mkdir(exist_ok=True)
    if shared:
        for earlier in (errand.folder, *errand.scratch.glob(f"{name}.*/")):
            for path in earlier.glob(f"{CHECKPOINT}*"):
                with suppress(OSError):  # it has just been replaced by a younger one
                    shutil.copyfile(path, folder / path.name)
    try:
        yield folder
    finally:
        if not shared:
            shutil.rmtree(folder, ignore_errors=True)
        _log_of(folder).unlink(missing_ok=True)


def _log_of(workplace: Path) -> Path:
    return workplace.with_name(f"{workplace.name}.log")
