"""Laws of what comes in: no bytes at all make a reader do anything but read or refuse."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.test_leaderboard import row, seeds
from zoo.board.compare import read_board
from zoo.board.leaderboard import leaderboard, to_csv
from zoo.errors import UsageError
from zoo.harness.files import write_conformations
from zoo.harness.store import Store
from zoo.harness.whole import seal, unseal
from zoo.polymer.files import SUFFIXES, read_conformations
from zoo.registry.options import parse, write

SHAPE = (4, 2)

# The folder is made once for all examples, each of which writes its own file.
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read(folder: Path, suffix: str, raw: bytes) -> np.ndarray[Any, Any] | None:
    """What is read of some bytes; nothing if they are refused in one paragraph."""
    path = folder / f"chains{suffix}"
    path.write_bytes(raw)
    try:
        return read_conformations(path, SHAPE)
    except UsageError as error:
        refusal = str(error)
    assert str(path) in refusal
    assert "expected" in refusal.lower()
    return None


def sound(suffix: str) -> bytes:
    """A good file of a kind."""
    x = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32)
    buffer = io.BytesIO()
    if suffix == ".npy":
        np.save(buffer, x)
    elif suffix == ".npz":
        np.savez(buffer, conformations=x)
    else:
        beads = "".join("C " + " ".join(map(str, [*bead, 0.0])) + "\n" for bead in x[0])
        buffer.write(f"4\n\n{beads}".encode())
    return buffer.getvalue()


@many
@given(suffix=st.sampled_from(SUFFIXES), raw=st.binary(max_size=400))
def test_random_bytes_are_refused(tmp_path: Path, suffix: str, raw: bytes) -> None:
    """Nothing that is no file of its kind is read, nor raises anything but a refusal."""
    found = read(tmp_path, suffix, raw)
    assert found is None or found.shape[1:] == SHAPE


@many
@given(data=st.data(), suffix=st.sampled_from(SUFFIXES))
def test_a_good_file_that_was_changed_is_read_or_refused(
    tmp_path: Path, data: st.DataObject, suffix: str
) -> None:
    """Bytes changed, cut off, doubled or put in: what is still read is finite and of the shape."""
    raw = bytearray(sound(suffix))
    at = data.draw(st.integers(0, len(raw) - 1))
    with_what = data.draw(st.binary(max_size=20))
    length = data.draw(st.integers(0, 40))
    raw[at : at + length] = with_what
    found = read(tmp_path, suffix, bytes(raw))
    if found is not None:
        assert found.shape[1:] == SHAPE
        assert np.isfinite(found).all()


@many
@given(
    suffix=st.sampled_from(SUFFIXES),
    x=arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), *map(st.just, SHAPE)),
        elements=st.floats(-999, 999, width=32),
    ),
)
def test_what_was_written_is_read(
    tmp_path: Path, suffix: str, x: np.ndarray[Any, np.dtype[np.float32]]
) -> None:
    """Every set of finite conformations survives its file, flat ones in every format."""
    path = tmp_path / f"chains{suffix}"
    write_conformations(path, x)
    np.testing.assert_allclose(read_conformations(path, SHAPE), x, atol=1e-6)


@given(st.text(max_size=60))
def test_any_text_is_a_request_or_no_request(text: str) -> None:
    """A name with options is read, and written and read it is the same; or it is refused."""
    with suppress(UsageError):
        name, options = parse(text)
        assert parse(write(name, options)) == (name, options)


@many
@given(raw=st.binary(max_size=300))
def test_a_board_is_a_board_or_refused(tmp_path: Path, raw: bytes) -> None:
    """Random bytes are no leaderboard."""
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=r"leaderboard\.csv"):
        read_board(path)


@many
@given(data=st.data())
def test_a_board_that_was_cut_or_changed_is_read_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Of a changed board every cell is text, and lines have as many cells as the first."""
    raw = bytearray(to_csv(leaderboard([*seeds("vae", 0.1), *seeds("ddpm", 0.2)])).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 80))] = data.draw(st.binary(max_size=10))
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(raw)
    with suppress(UsageError):
        frame = read_board(path)
        assert frame.map(lambda cell: isinstance(cell, str)).all(axis=None)


@many
@given(raw=st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5) | st.sampled_from(list(row("a", 0, 1.0))), inner),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_anything_in_place_of_a_row_is_passed_over(tmp_path: Path, raw: bytes) -> None:
    """Neither bytes nor any JSON stops the board of the rows that are there."""
    store = Store(tmp_path).open()
    store.keep_row("good", row("vae", 0, 0.1))
    (tmp_path / "rows" / "odd.json").write_bytes(raw)
    assert leaderboard(store.rows())["model"].tolist() == ["vae"]


@given(
    st.dictionaries(
        st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False) | st.text()
    ),
    st.data(),
)
def test_a_seal_holds_what_it_seals(record: dict[str, Any], data: st.DataObject) -> None:
    """A record comes back; with one bit changed it is refused, or is the same record."""
    text = seal(record).encode()
    names = {"sealed", "sha256"}
    if not names & set(record):
        assert unseal(text) == (record, True)
    at, bit = data.draw(st.integers(0, len(text) - 1)), data.draw(st.integers(0, 7))
    changed = text[:at] + bytes([text[at] ^ (1 << bit)]) + text[at + 1 :]
    try:
        found, _ = unseal(changed)
    except ValueError:
        return
    assert found == unseal(text)[0]
