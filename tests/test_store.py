"""Laws of the results folder: whole or not at all, and never a wrong number."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from zoo.errors import StoreError, UsageError
from zoo.harness.store import RECORD, Store
from zoo.harness.whole import digest, write_whole


def keep_something(store: Store, text: str = "weights") -> Path:
    """Keep one result with one file, and say where the file lies."""
    folder = store.scratch()
    (folder / "data.bin").write_text(text)
    return store.keep("train", "key", folder, {"seconds": 1.5}).folder / "data.bin"


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    """A second store on the same folder finds facts and files."""
    kept = keep_something(Store(tmp_path).open())
    found = Store(tmp_path).open().find("train", "key")
    assert found is not None
    assert found.facts == {"seconds": 1.5}
    assert (found.folder / "data.bin") == kept
    assert Store(tmp_path).open().find("train", "other") is None


@pytest.mark.parametrize("victim", ["data.bin", RECORD])
def test_a_flipped_bit_is_noticed_and_set_aside(tmp_path: Path, victim: str) -> None:
    """Wherever one bit of a file or its record flips, the result is not served again."""
    store = Store(tmp_path).open()
    intact = keep_something(store).with_name(victim).read_bytes()
    for position in range(0, len(intact), 7):
        raw = bytearray(intact)
        raw[position] ^= 1
        (tmp_path / "train" / "key" / victim).write_bytes(raw)
        if victim == RECORD and same_json(raw, intact):
            (tmp_path / "train" / "key" / victim).write_bytes(intact)
            continue  # a blank between two words carries nothing
        assert store.find("train", "key") is None
        keep_something(store)
        assert store.find("train", "key") is not None
    assert (tmp_path / "damaged").is_dir()


def same_json(one: bytes | bytearray, other: bytes) -> bool:
    """Whether two texts hold the same JSON value."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full the file is as it was, with no half of the new one beside it."""
    path = tmp_path / "leaderboard.csv"
    write_whole(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["leaderboard.csv"]


def test_a_result_that_cannot_be_saved_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told as such, and the result does not half appear."""
    store = Store(tmp_path).open()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        keep_something(store)
    monkeypatch.undo()
    assert store.find("train", "key") is None


def test_of_two_equal_results_the_first_stays(tmp_path: Path) -> None:
    """Two runs that finish the same work at once both find the one that was first."""
    store = Store(tmp_path).open()
    first = keep_something(store, "first").read_text()
    assert keep_something(store, "second").read_text() == first == "first"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    """An unwritable folder is a usage error before any work."""
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(UsageError, match="cannot write"):
            Store(tmp_path / "results").open()
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """An output folder that is a file is a usage error before any work."""
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UsageError, match="cannot write to the output folder"):
        Store(tmp_path / "results").open()


def test_unreadable_rows_are_passed_over(tmp_path: Path) -> None:
    """Half a row, or something that is no row, does not stop the board of the others."""
    store = Store(tmp_path).open()
    store.keep_row("a", {"model": "vae"})
    (tmp_path / "rows" / "b.json").write_text('{"model": ')
    (tmp_path / "rows" / "c.json").write_text("[1, 2]")
    assert list(store.rows()) == [{"model": "vae"}]


def test_digest_depends_on_content_alone() -> None:
    """Order of keys does not matter; any value does."""
    base = digest({"a": 1, "b": [1.5, "x"]})
    assert digest({"b": [1.5, "x"], "a": 1}) == base
    assert digest({"a": 1, "b": [1.5, "y"]}) != base
