"""Conformations in files that people bring and take away: npz, npy and xyz.

What comes in is looked at before it is used: no pickle is ever read, and every fault is
named with the frame it is in.
"""

from __future__ import annotations

import math
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.errors import StoreError, UsageError
from zoo.harness.store import write_whole

Array = NDArray[np.float32]
SUFFIXES = (".npz", ".npy", ".xyz")
_MAX_VALUES = 1 << 30


def read_conformations(path: Path, shape: tuple[int, int]) -> Array:
    """Read conformations and see that they are what they should be.

    Args:
        path: An `.npz` (with one array, or one called `conformations`), `.npy` or `.xyz` file,
            lengths in σ.
        shape: Expected `(beads, dim)`.

    Returns:
        Conformations, shape (n, beads, dim).

    Raises:
        UsageError: If the file is missing, of another kind, or its content will not do.
    """
    _check_suffix(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}.") from None
    read = {".npz": _read_npz, ".npy": _read_npy, ".xyz": _read_xyz}[path.suffix.lower()]
    try:
        x = read(raw)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: {_why(raw, error)}. Expected conformations (n, {shape[0]}, {shape[1]}) "
            f"as a {path.suffix} file."
        ) from None
    if path.suffix.lower() == ".xyz" and x.ndim == 3 and shape[1] == 2 and not x[..., 2].any():
        x = x[..., :2]  # xyz always has three columns
    return _checked(path, x, shape)


def write_conformations(path: Path, x: Array) -> None:
    """Write conformations, whole or not at all, in the format of the file's suffix.

    Args:
        path: Where to; `.npz` holds one array `conformations`.
        x: Shape (n, beads, dim), in σ.

    Raises:
        UsageError: If the suffix is none of `SUFFIXES`.
        StoreError: If it cannot be written.
    """
    _check_suffix(path)
    buffer = BytesIO()
    if path.suffix.lower() == ".npz":
        np.savez_compressed(buffer, conformations=x)
    elif path.suffix.lower() == ".npy":
        np.save(buffer, x, allow_pickle=False)
    else:
        buffer.write(_as_xyz(x).encode())
    try:
        write_whole(path, buffer.getvalue())
    except OSError as error:
        raise StoreError(f"could not write {str(path)!r}: {error.strerror}.") from None


def check_target(path: Path) -> None:
    """See before any work that conformations can be written to `path`.

    Raises:
        UsageError: If the suffix is unknown or the folder is not there.
    """
    _check_suffix(path)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into.")
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder. Name a file in it.")


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"{str(path)!r} ends in {path.suffix!r}. Expected one of {known}.")


def _read_npz(raw: bytes) -> NDArray[np.generic]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > 8 * _MAX_VALUES:
        raise ValueError(f"it unpacks to {size:,} bytes")
    with np.load(BytesIO(raw), allow_pickle=False) as file:
        names = list(file.keys())
        if "conformations" not in names and len(names) != 1:
            raise ValueError(f"it holds the arrays {', '.join(names) or 'none'}")
        array: NDArray[np.generic] = file["conformations" if "conformations" in names else names[0]]
        return array


def _read_npy(raw: bytes) -> NDArray[np.generic]:
    if not raw.startswith(b"\x93NUMPY"):
        raise ValueError("it is not in NumPy's format")
    array: NDArray[np.generic] = np.load(BytesIO(raw), allow_pickle=False)
    return array


def _read_xyz(raw: bytes) -> NDArray[np.generic]:
    lines = raw.decode().splitlines()
    frames: list[list[list[float]]] = []
    at = 0
    while at < len(lines) and lines[at].strip():
        if not lines[at].strip().isdigit():
            raise ValueError(f"line {at + 1} should be a number of beads, not {lines[at][:40]!r}")
        beads = int(lines[at])
        rows = lines[at + 2 : at + 2 + beads]
        if len(rows) < beads:
            raise ValueError(f"frame {len(frames)} ends after {len(rows)} of {beads} beads")
        frames.append([[float(word) for word in row.split()[1:4]] for row in rows])
        at += 2 + beads
    return np.array(frames, dtype=np.float64)


def _as_xyz(x: Array) -> str:
    n, beads, dim = x.shape
    padded = np.zeros((n, beads, 3), dtype=x.dtype)
    padded[..., :dim] = x
    frames = (
        f"{beads}\nconformation {number}, lengths in sigma\n"
        + "\n".join("C " + " ".join(f"{value:.6f}" for value in bead) for bead in frame)
        for number, frame in enumerate(padded)
    )
    return "\n".join(frames) + "\n"


def _why(raw: bytes, error: Exception) -> str:
    start = raw[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "it is a web page, perhaps an error page saved in place of the file"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; fetch the file itself with `git lfs pull`"
    if "pickle" in str(error).lower():
        return "it holds pickled objects, which are never read, or is no NumPy file"
    return str(error).rstrip(".") or type(error).__name__


def _checked(path: Path, x: NDArray[np.generic], shape: tuple[int, int]) -> Array:
    if x.ndim != 3 or x.shape[1:] != shape or len(x) == 0:
        raise UsageError(
            f"{path}: holds an array of shape {x.shape}. "
            f"Expected (n, {shape[0]}, {shape[1]}) = (n, beads, dim) with n at least 1."
        )
    if x.dtype.kind not in "fiu" or math.prod(x.shape) > _MAX_VALUES:
        raise UsageError(f"{path}: holds {x.size:,} values of type {x.dtype}. Expected numbers.")
    values = x.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
    if len(bad):
        some = ", ".join(str(frame) for frame in bad[:5]) + (", ..." if len(bad) > 5 else "")
        raise UsageError(
            f"{path}: {len(bad):,} of {len(values):,} frames hold NaN or infinity (frames {some}). "
            "Expected finite conformations. Clean the file first."
        )
    return values
