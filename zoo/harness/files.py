"""Conformations into files that people take away; `zoo.polymer.files` reads what they bring."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from zoo.errors import StoreError, UsageError
from zoo.harness.whole import write_whole
from zoo.polymer.files import Array, check_suffix


def write_conformations(path: Path, x: Array) -> None:
    """Write conformations, whole or not at all, in the format of the file's suffix.

    Args:
        path: Where to; `.npz` holds one array `conformations`.
        x: Shape (n, beads, dim), in σ.

    Raises:
        UsageError: If the suffix is none of `zoo.polymer.files.SUFFIXES`.
        StoreError: If it cannot be written.
    """
    check_suffix(path)
    buffer = BytesIO()
    if path.suffix.lower() == ".npz":
        np.savez_compressed(buffer, conformations=x)
    elif path.suffix.lower() == ".npy":
        np.save(buffer, x, allow_pickle=False)
    else:
        titles = [f"conformation {number}" for number in range(len(x))]
        buffer.write(_as_xyz(x, titles).encode())
    _write(path, buffer)


def write_film(path: Path, films: Array, times: Array) -> None:
    """Write the states of walks from noise to data, whole or not at all.

    Args:
        path: `.npz` holds `conformations` (the last frames), `trajectory` and `times`; `.xyz`
            the frames of the first walk, then those of the second, and so on.
        films: Shape (n, frames, beads, dim), in σ.
        times: Shape (n, frames), 1 for noise and 0 for data.

    Raises:
        StoreError: If it cannot be written.
    """
    buffer = BytesIO()
    if path.suffix.lower() == ".npz":
        last = films[:, -1]
        np.savez_compressed(buffer, conformations=last, trajectory=films, times=times)
    else:
        n, frames = times.shape
        titles = [
            f"walk {walk}, frame {frame}, t = {times[walk, frame]:.4f}"
            for walk in range(n)
            for frame in range(frames)
        ]
        buffer.write(_as_xyz(films.reshape(n * frames, *films.shape[2:]), titles).encode())
    _write(path, buffer)


def _write(path: Path, buffer: BytesIO) -> None:
    try:
        write_whole(path, buffer.getvalue())
    except OSError as error:
        raise StoreError(f"could not write {str(path)!r}: {error.strerror}.") from None


def check_target(path: Path, frames: int = 0) -> None:
    """See before any work that conformations, or walks of `frames`, can be written to `path`.

    Raises:
        UsageError: If the suffix is unknown or the folder is not there.
    """
    check_suffix(path)
    if frames and path.suffix.lower() == ".npy":
        raise UsageError(f"{str(path)!r} holds one array only. Name an .npz or an .xyz for walks.")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into.")
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder. Name a file in it.")


def _as_xyz(x: Array, titles: Sequence[str]) -> str:
    n, beads, dim = x.shape
    padded = np.zeros((n, beads, 3), dtype=x.dtype)
    padded[..., :dim] = x
    frames = (
        f"{beads}\n{title}, lengths in sigma\n"
        + "\n".join("C " + " ".join(f"{value:.6f}" for value in bead) for bead in frame)
        for title, frame in zip(titles, padded, strict=True)
    )
    return "\n".join(frames) + "\n"
