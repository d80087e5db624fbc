"""Conformations in files that people bring: npz, npy and xyz.

What comes in is looked at before it is used: no pickle is ever read, headers are read before
memory is taken, and every fault is named with the frame it is in.
"""

from __future__ import annotations

import lzma
import math
import struct
import warnings
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UsageError

Array = NDArray[np.float32]
SUFFIXES = (".npz", ".npy", ".xyz")
MOST_VALUES = 1 << 29
"""Most numbers that are read of one file: 2 GiB of them, in single precision."""

_MOST_BYTES = 8 * MOST_VALUES
_MOST_SQUEEZED = 200
"""Packed conformations shrink a few times; what shrinks so often is empty or a trap."""

_MOST_FAULTS = 5
"""So many faults of a file are named; of more, that there are more."""

_UNREADABLE = (
    *(ValueError, EOFError, OSError, RuntimeError, OverflowError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)

Raw = NDArray[np.generic]


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
    x = read_array(path)
    if x.shape[1:] != shape and x.shape[1:] == (shape[0], 2) and path.suffix.lower() == ".xyz":
        x = np.pad(x, ((0, 0), (0, 0), (0, shape[1] - 2)))  # flat chains in three dimensions
    if x.shape[1:] != shape:
        raise UsageError(
            f"{path}: holds an array of shape {x.shape}. "
            f"Expected (n, {shape[0]}, {shape[1]}) = (n, beads, dim) with n at least 1."
        )
    bad = np.flatnonzero(~np.isfinite(x).all(axis=(1, 2)))
    if len(bad):
        raise UsageError(
            f"{path}: {len(bad):,} of {len(x):,} frames hold NaN or infinity "
            f"(frames {runs(bad)}). Expected finite conformations. Clean the file first."
        )
    return x


def read_array(path: Path) -> Array:
    """Read conformations of any shape from a file, finite or not.

    Args:
        path: As for `read_conformations`. Chains in an `.xyz` whose last coordinate is 0
            throughout are two-dimensional.

    Returns:
        Shape (n, beads, dim).

    Raises:
        UsageError: If the file is missing or of another kind, or holds no such array.
    """
    check_suffix(path)
    raw = read_bytes(path, _MOST_BYTES)
    read = {".npz": _read_npz, ".npy": _read_npy, ".xyz": _read_xyz}[path.suffix.lower()]
    try:
        x = read(raw)
    except _UNREADABLE as error:
        why = impostor(raw) or str(error).rstrip(".") or type(error).__name__
        raise UsageError(
            f"{path}: {why}. Expected conformations (n, beads, dim) as a {path.suffix} file."
        ) from None
    return x.astype(np.float32)


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file that is not too large.

    Args:
        path: The file.
        most: Most bytes there may be.

    Raises:
        UsageError: If it is missing, cannot be read or is larger.
    """
    try:
        size = path.stat().st_size
        if size > most or not path.is_file():
            found = f"{size:,} bytes" if path.is_file() else "no file"
            raise UsageError(f"{path} is {found}; expected a file of at most {most:,} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}.") from None


def check_suffix(path: Path) -> None:
    """See that a file's name says which kind it is.

    Raises:
        UsageError: If the suffix is none of `SUFFIXES`.

    Example:
        >>> check_suffix(Path("chains.NPZ"))
    """
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"{str(path)!r} ends in {path.suffix!r}. Expected one of {known}.")


def impostor(raw: bytes) -> str:
    """What stands in a file's place, where a download has gone wrong; empty if nothing does.

    Example:
        >>> impostor(b"<!DOCTYPE html><p>404")
        'it is a web page, perhaps an error page saved in place of the file'
    """
    start = raw[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "it is a web page, perhaps an error page saved in place of the file"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; fetch the file itself with `git lfs pull`"
    return ""


def runs(frames: NDArray[np.integer], most: int = 5) -> str:
    """Numbers of frames in ascending order as text, neighbours drawn together.

    Example:
        >>> runs(np.array([3, 17, 18, 19, 40]))
        '3, 17-19, 40'
    """
    parts = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    texts = [f"{part[0]}-{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts[:most]]
    return ", ".join([*texts, "..."] if len(parts) > most else texts)


def _read_npz(raw: bytes) -> Raw:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        sizes = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if "conformations" not in sizes and len(sizes) != 1:
            raise ValueError(f"it holds the arrays {', '.join(sizes) or 'none'}")
        info = sizes.get("conformations", next(iter(sizes.values())))
        most = min(_MOST_BYTES, max(1 << 20, _MOST_SQUEEZED * len(raw)))
        if info.file_size > most:
            raise ValueError(f"it unpacks to {info.file_size:,} bytes; at most {most:,} are read")
        with archive.open(info) as member:
            return _array(member, info.file_size)


def _read_npy(raw: bytes) -> Raw:
    return _array(BytesIO(raw), len(raw))


def _array(file: IO[bytes], size: int) -> Raw:
    """An array of numbers, if what its header says is in the file."""
    start = file.read(6)
    if start != b"\x93NUMPY":
        raise ValueError("it is not in NumPy's format")
    version = tuple(file.read(2))
    header = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        header = np.lib.format.read_array_header_2_0
    elif version != (1, 0):
        raise ValueError(f"it is in version {version} of NumPy's format")
    try:
        with warnings.catch_warnings(action="ignore"):  # of headers as Python 2 wrote them
            shape, fortran, dtype = header(file)
    except Exception:  # noqa: BLE001 - it is read as Python's literals are, and fails like them
        raise ValueError("its header cannot be read") from None
    _check_header(shape, dtype)
    body = math.prod(shape) * dtype.itemsize
    if body > size:
        raise ValueError(f"its header promises {body:,} bytes, and the file has {size:,}")
    values = np.frombuffer(file.read(body), dtype)
    return values.reshape(shape, order="F" if fortran else "C")


def _check_header(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if dtype.hasobject:
        raise ValueError("it holds pickled objects, which are never read")
    if dtype.kind not in "fiu" or dtype.itemsize > 16:
        raise ValueError(f"it holds values of type {dtype}. Expected numbers")
    if len(shape) != 3 or 0 in shape:
        raise ValueError(f"it holds an array of shape {shape}")
    if math.prod(shape) > MOST_VALUES:
        raise ValueError(f"it holds {math.prod(shape):,} values; at most {MOST_VALUES:,} are read")


def _read_xyz(raw: bytes) -> Raw:
    lines = raw.decode().splitlines()
    frames: list[NDArray[np.float64]] = []
    faults: list[str] = []
    at = 0
    while at < len(lines) and lines[at].strip():
        if not lines[at].strip().isdecimal():
            faults.append(f"line {at + 1} should be a number of beads, not {lines[at][:40]!r}")
            break
        beads = int(lines[at])
        rows = lines[at + 2 : at + 2 + beads]
        frames.append(_read_beads(rows, at + 3, faults))
        if len(rows) < beads:
            faults.append(f"frame {len(frames) - 1} ends after {len(rows)} of {beads} beads")
        elif len(frames[-1]) != len(frames[0]):
            first = len(frames[0])
            faults.append(f"line {at + 1}: a frame of {beads} beads, where the first has {first}")
        at += 2 + beads
    if faults:
        raise ValueError("; ".join(faults[:_MOST_FAULTS]) + ("; …" * (len(faults) > _MOST_FAULTS)))
    if not frames:
        raise ValueError("it holds no frame")
    x = np.stack(frames)
    return x if x[..., 2].any() else x[..., :2]  # xyz always has three columns


def _read_beads(rows: list[str], first: int, faults: list[str]) -> NDArray[np.float64]:
    """Coordinates of beads, one in a line; lines that are none are added to the faults."""
    found = np.zeros((len(rows), 3))
    for place, row in enumerate(rows):
        try:
            found[place] = [float(word) for word in row.split()[1:4]]
        except ValueError:
            words = "a symbol and three numbers"
            faults.append(f"line {first + place} should be {words}, not {row[:40]!r}")
    return found
