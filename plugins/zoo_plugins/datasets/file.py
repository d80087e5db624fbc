"""Anybody's conformations as a dataset: npz, npy, xyz, and what MDAnalysis reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.polymer import center, radius_of_gyration
from zoo.polymer.files import MOST_VALUES, SUFFIXES, Array, read_array, runs
from zoo.polymer.trajectories import split_blocks

LEAST_FRAMES = 100
"""Frames below which a split leaves too little to judge by."""

MOST_REPEATED = 0.1
"""Share of frames that may repeat others exactly, as those of rejected Monte Carlo moves do."""


@dataclass(frozen=True)
class File(zoo.Dataset):
    """Conformations in a file of yours, looked at before they are used.

    Frames are taken to follow one another in time. Training and test frames are stretches in
    turn with gaps between them (see `zoo.polymer.trajectories.split_blocks`), and what the
    test frames are worth as independent ones is estimated. Frames that are independent lose
    nothing by that.

    Any other kind of trajectory is read by MDAnalysis, if `polymer-zoo[md]` is installed: in three
    dimensions, of the atoms that `select` names, which must be whole molecules (not cut by
    a periodic box).

    Args:
        path: An `.npz` (with one array, or one called `conformations`) or `.npy` of shape
            (n, beads, dim), an `.xyz`, or a trajectory. Its unit of length becomes σ.
        frames: Which ones, as `start:stop` or `start:stop:step`; empty for all.
        topology: A file with the topology, for MDAnalysis.
        select: Atoms, in MDAnalysis's language; empty for all.

    Raises:
        zoo.errors.UsageError: If `frames` cannot be read.

    Reference:
        Gowers et al., Proc. 15th Python in Science Conf. (2016), 98,
        doi:10.25080/Majora-629e541a-00e (MDAnalysis).

    Example:
        >>> folder = getfixture("tmp_path")
        >>> steps = np.random.default_rng(0).normal(size=(500, 6, 2))
        >>> np.save(folder / "chains.npy", steps.cumsum(axis=1))
        >>> [len(part) for part in File(str(folder / "chains.npy"), frames="0:400").split()]
        [260, 80]
    """

    path: str = ""
    frames: str = ""
    topology: str = ""
    select: str = ""

    def __post_init__(self) -> None:
        _ = self._slice  # a wrong value is reported now, not in the middle of a run

    def split(self) -> tuple[Tensor, Tensor]:
        """Training and test frames, each in order of time, centred.

        Raises:
            zoo.errors.UsageError: If the file is missing, of another kind, or will not do.
        """
        if not self.path:
            raise UsageError("no file is named. Write file[path='chains.npz'].")
        x, numbers = self._read()
        if faults := "; ".join(_faults(x, numbers)):
            raise UsageError(
                f"{self.path}: {faults}. Expected finite conformations that differ. Clean the "
                f"file, or choose frames with frames='start:stop'."
            )
        return split_blocks(center(torch.from_numpy(x)))

    @property
    def _slice(self) -> slice:
        if not re.fullmatch(r"(\d*:\d*(:[1-9]\d*)?)?", self.frames):
            raise UsageError(
                f"frames is {self.frames!r}; expected start:stop or start:stop:step, such as "
                "'0:300'."
            )
        parts = [int(word) if word else None for word in self.frames.split(":")]
        return slice(*parts) if self.frames else slice(None)

    def _read(self) -> tuple[Array, NDArray[np.integer]]:
        """The chosen frames, and their numbers in the file."""
        path = Path(self.path)
        if self.topology or self.select or path.suffix.lower() not in SUFFIXES:
            return _read_trajectory(path, self.topology, self.select, self._slice)
        x = read_array(path)
        return x[self._slice], np.arange(len(x))[self._slice]


def _faults(x: Array, numbers: NDArray[np.integer]) -> Iterator[str]:
    """What is wrong with frames, each thing in words."""
    n, beads, dim = x.shape
    if n < LEAST_FRAMES:
        yield f"{n} frames are chosen, and {LEAST_FRAMES} are the least"
    if beads < 2 or dim not in (2, 3):
        yield f"frames are {beads} beads in {dim} dimensions, not 2 or more in 2 or 3"
    finite = np.isfinite(x).all(axis=(1, 2))
    if not finite.all():
        yield f"frames {runs(numbers[~finite])} hold NaN or infinity"
    good = x[finite]
    if not len(good):
        return
    sizes = radius_of_gyration(torch.from_numpy(good))
    if float(sizes.max() - sizes.min()) <= 1e-5 * float(sizes.max()):
        yield "the radius of gyration is the same in all frames"
    _, first = np.unique(good.reshape(len(good), -1), axis=0, return_index=True)
    again = np.setdiff1d(np.arange(len(good)), first)
    if len(again) > MOST_REPEATED * len(good):
        found = runs(numbers[finite][again])
        yield f"{len(again):,} of {n:,} frames repeat earlier ones exactly (frames {found})"


def _read_trajectory(
    path: Path, topology: str, select: str, frames: slice
) -> tuple[Array, NDArray[np.integer]]:
    """Positions of the selected atoms, by MDAnalysis."""
    try:
        mda: Any = import_module("MDAnalysis")
    except ImportError:
        raise UsageError(
            f"reading {str(path)!r} takes MDAnalysis, which is not installed. Install "
            f"polymer-zoo[md], or convert the file to one of {', '.join(SUFFIXES)}."
        ) from None
    try:
        universe = mda.Universe(topology, str(path)) if topology else mda.Universe(str(path))
        atoms = universe.select_atoms(select or "all")
        numbers = np.arange(universe.trajectory.n_frames)[frames]
        if len(numbers) * len(atoms) * 3 > MOST_VALUES:
            raise ValueError(f"{len(numbers):,} frames of {len(atoms):,} atoms are too many")
        chosen = [atoms.positions.astype(np.float32) for _ in universe.trajectory[frames]]
    except (Exception, SystemExit) as error:  # each of its many readers raises its own
        raise UsageError(
            f"MDAnalysis cannot read {str(path)!r}: {type(error).__name__}: {error}. "
            "Look at path, topology and select."
        ) from error
    return np.array(chosen, np.float32).reshape(len(numbers), -1, 3), numbers
