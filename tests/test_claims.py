"""Laws of claims and scratch folders: one owner at a time, and nothing outlives its owner."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from zoo.harness.claims import Scratch, claimed, sweep, try_claim

OWNER = """
import sys, threading
from pathlib import Path
from zoo.harness.claims import Scratch, try_claim
folder = Path(sys.argv[1])
claim = try_claim(folder / "a")
scratch = Scratch(folder / "tmp")
(scratch.new() / "half").write_text("half")
print(claim is not None, flush=True)
sys.stdin.read()
"""


def test_a_claim_is_one_owners(tmp_path: Path) -> None:
    """Nobody gets a second one, not even in the same process, until it is given up."""
    first = try_claim(tmp_path / "a")
    assert first is not None
    assert try_claim(tmp_path / "a") is None
    other = try_claim(tmp_path / "b")
    assert other is not None
    first.release()
    again = try_claim(tmp_path / "a")
    assert again is not None
    again.release()
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_ends_with_its_owner_and_not_before(tmp_path: Path) -> None:
    """Claim and scratch folder are the owner's while it lives; after a kill nothing holds them."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with owner:
        assert owner.stdout
        assert owner.stdout.readline() == "True\n"
        assert try_claim(tmp_path / "a") is None
        sweep(tmp_path / "tmp")
        assert len(list(tmp_path.glob("tmp/*/*/half"))) == 1
        owner.kill()
        owner.wait()
    claim = try_claim(tmp_path / "a")
    assert claim is not None
    claim.release()
    sweep(tmp_path / "tmp")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_whoever_waits_gets_it_or_is_told_to_stop(tmp_path: Path) -> None:
    """A claim that is given up goes to who waits; who is stopped gets none."""
    stopped, waiting = threading.Event(), threading.Event()
    got: list[bool] = []

    def wait() -> None:
        waiting.set()
        with claimed(tmp_path / "x" / "a", stopped) as claim:
            got.append(claim is not None)

    for stop in (False, True):
        with claimed(tmp_path / "x" / "a", threading.Event()):
            other = threading.Thread(target=wait)
            other.start()
            waiting.wait()
            if stop:
                stopped.set()
                other.join()
        other.join()
    assert got == [True, False]


def test_a_scratch_folder_is_gone_when_it_ends(tmp_path: Path) -> None:
    """Whatever is in it goes as well; those of others stay."""
    mine, theirs = Scratch(tmp_path), Scratch(tmp_path)
    (mine.new() / "file").write_text("x")
    mine.end()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [theirs.folder.name]
    with pytest.raises(FileNotFoundError):
        mine.new()
    theirs.end()
    assert list(tmp_path.iterdir()) == []
