"""Laws of the store under crashes and full disks: whole or not at all, wherever it happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crashes import BOARDS, DATA, DIED, FACTS, ROW, SAID, UNREACHED, work
from zoo.harness.store import Store


def tried(how: str, folder: Path) -> dict[Path, int]:
    """Folders in which one call went wrong, with the exit status of who made it."""
    words = [sys.executable, "-m", "tests.crashes", how, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {folder / n: int(status) for n, status in map(str.split, done.stdout.splitlines())}


def look(root: Path) -> tuple[bool, bool, bool]:
    """See that all that is there is whole; which of result, row and new board are there."""
    store = Store(root).open()
    kept, rows = store.find("train", "key"), list(store.rows())
    assert not (root / "damaged").exists()
    if kept:
        assert kept.facts == FACTS
        assert {name: (kept.folder / name).read_bytes() for name in kept.files} == DATA
    assert rows in ([], [ROW])
    board = (root / "leaderboard.csv").read_text()
    assert board in BOARDS
    return kept is not None, bool(rows), board == BOARDS[1]


@pytest.mark.parametrize("how", ["die", "fail"])
def test_whatever_call_goes_wrong(tmp_path: Path, how: str) -> None:
    """Nothing is half there, what is reported lost is lost, and the next run makes it all."""
    found = tried(how, tmp_path)
    assert len(found) > 30
    seen = set()
    for root, status in found.items():
        there = look(root)
        seen.add(there)
        assert there in ((False,) * 3, (True, False, False), (True, True, False), (True,) * 3)
        if status in (0, UNREACHED):  # some calls may fail without harm, none may die
            assert all(there)
        else:
            assert status == (DIED if how == "die" else SAID)
        work(root)
        assert look(root) == (True, True, True)
        assert not list((root / "unfinished").iterdir())
        assert not list(root.rglob(".*"))
    assert len(seen) == 4
