"""At the driver's end: what an errand takes along, and where what it brings back goes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from zoo.harness.alike import known
from zoo.harness.errand import Errand, Report
from zoo.harness.parts import replaced, results_in
from zoo.harness.stages import Stage
from zoo.harness.store import CHECKPOINT
from zoo.harness.whole import saving


def packed(errand: Errand, scratch: Path) -> Errand:
    """An errand that can be done elsewhere: with whole paths, and with what it takes for granted.

    Args:
        errand: The errand.
        scratch: Folder of this process's own.
    """
    return replace(
        errand,
        stages=tuple(map(_from_the_root, errand.stages)),
        expected=tuple(map(known, errand.stages)),
        scratch=scratch.absolute(),
        folder=errand.folder.absolute(),
    )


def _from_the_root(stage: Stage) -> Stage:
    whole = {
        (one.stage, one.key): replace(one, folder=one.folder.absolute())
        for one in results_in(stage)
    }
    return replaced(stage, whole)


def with_parcels(errand: Errand, missing: Sequence[tuple[str, str]]) -> Errand:
    """An errand that takes more results along, file by file."""
    parcels = {
        (one.stage, one.key): {name: (one.folder / name).read_bytes() for name in one.files}
        for stage in errand.stages
        for one in results_in(stage)
        if (one.stage, one.key) in missing
    }
    return replace(errand, parcels={**errand.parcels, **parcels})


def unpacked(report: Report, errand: Errand) -> Report:
    """A report whose log and files are where they would be if all had been done here.

    Raises:
        StoreError: If they cannot be written, or are not where they were left.
    """
    if report.host:
        with saving(errand.log):
            errand.log.write_bytes(report.log)
    for name, content in report.files.items():
        target = errand.folder / Path(name).name
        with saving(target):
            if report.folder is not None:
                (report.folder / name).rename(target)
            else:
                target.write_bytes(content or b"")
    return report


def clear_attempts(folder: Path, scratch: Path) -> None:
    """Remove what attempts elsewhere have left, but for checkpoints, which another goes on from.

    Args:
        folder: The stage's own folder.
        scratch: Where attempts leave theirs.
    """
    for attempt in scratch.glob(f"{folder.name}.*/"):
        for path in attempt.glob(f"{CHECKPOINT}*"):
            with suppress(OSError):
                path.rename(folder / path.name)
        shutil.rmtree(attempt, ignore_errors=True)
