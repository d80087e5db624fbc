"""Laws of a full disk and a folder that has gone: exit 3, what is lost, and no half of it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Install
from tests.test_run import TOY
from zoo.board.leaderboard import read_csv
from zoo.cli import main
from zoo.harness.run import Run
from zoo.harness.stages import Stage
from zoo.harness.store import Store

WORDS = [
    *("run", "honest", "--dataset", "walks", "--preset", "quick", "--jobs", "1", "--no-report"),
    *("--device", "cpu", "--out", "out"),
]


@pytest.fixture(autouse=True)
def _here(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with a toy plugin."""
    install("zoo-toy", TOY)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


class Disk:
    """A disk without room from some moment on.

    Args:
        patch: Puts itself in the place of the system.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.full = False
        for name in ("fsync", "posix_fallocate"):
            patch.setattr(os, name, self._watched(getattr(os, name)))

    def _watched(self, function: Any) -> Any:
        def watched(*args: Any) -> Any:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args)

        return watched


def whole() -> None:
    """See that nothing in the folder is half there."""
    store = Store(Path("out")).open()
    for path in Path("out").glob("*/*/result.json"):
        store.check(path.parent.parent.name, path.parent.name)
    assert not list(Path("out").glob("unfinished/*"))


def test_a_full_disk_is_seen_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing starts where nothing could be kept: exit 2."""
    Disk(monkeypatch).full = True
    assert main(WORDS) == 2
    err = capsys.readouterr().err
    assert "cannot write to the output folder 'out'" in err
    assert "No space left on device" in err
    assert not Path("out/train").exists()


@pytest.mark.parametrize("stage", ["data", "train", "score"])
def test_what_cannot_be_kept_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    """The run ends with 3, names what is lost, prints the scores, and can go on later."""
    disk, keep = Disk(monkeypatch), Store.keep

    def keep_or_not(self: Store, name: str, *rest: Any) -> Any:
        disk.full = disk.full or name == stage
        return keep(self, name, *rest)

    monkeypatch.setattr(Store, "keep", keep_or_not)
    assert main(WORDS) == 3
    err = capsys.readouterr().err
    last = err.splitlines()[-1]
    assert f"out/{stage}/" in last
    assert "No space left on device" in last
    assert ("rg_w1 = " in last) == (stage == "score")
    assert "Traceback" not in err
    disk.full = False
    monkeypatch.setattr(Store, "keep", keep)
    whole()
    assert main(WORDS) == 0


def test_a_row_that_cannot_be_kept_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scores of a job whose row has no room are in the message."""
    disk, keep_row = Disk(monkeypatch), Store.keep_row

    def keep_or_not(self: Store, *rest: Any) -> None:
        disk.full = True
        keep_row(self, *rest)

    monkeypatch.setattr(Store, "keep_row", keep_or_not)
    assert main(WORDS) == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert "out/rows/" in last
    assert "honest · direct seed 0: ok; rg_w1 = " in last
    disk.full = False
    monkeypatch.setattr(Store, "keep_row", keep_row)
    whole()
    assert main(WORDS) == 0


def test_a_full_disk_is_no_fault_of_the_plugin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that fails while there is no room ends the run with 3 and leaves no failed row."""
    disk, resolve = Disk(monkeypatch), Run.resolve

    def resolve_full(self: Run, stage: Stage, label: str) -> Any:
        disk.full = disk.full or stage.name == "train"
        return resolve(self, stage, label)

    monkeypatch.setattr(Run, "resolve", resolve_full)
    words = [word if word != "honest" else "raises" for word in WORDS]
    assert main(words) == 3
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]
    assert not list(Path("out").glob("rows/*"))


def test_a_plugin_cannot_end_the_run_by_a_file_of_its_own(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that forbids itself to write, or claims that nothing can be saved, fails alone."""
    code = """
        import resource
        import zoo, zoo.errors, zoo_toy

        class Small(zoo_toy.Honest):
            def fit(self, x):
                resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        class Liar(zoo_toy.Honest):
            def loss(self, x):
                raise zoo.errors.StoreError("could not save anything")

        @zoo.hookimpl
        def zoo_models():
            for name in ("small", "liar"):
                yield zoo.ModelSpec(api=1, name=name, factory=f"zoo_small:{name.capitalize()}",
                                    summary="", offers={"draw"})
    """
    install("zoo-small", code)
    assert main([*WORDS[:2], "small", "liar", *WORDS[2:]]) == 1
    assert "StoreError: could not save anything" in capsys.readouterr().err
    board = read_csv(Path("out/leaderboard.csv")).set_index("model")["status"]
    assert board["honest"] == "ok"
    assert board["liar"] == "error"
    assert board["small"] in ("error", "crashed")


def test_a_folder_that_vanishes_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not made again behind the back of whoever removed it: exit 3, with its name."""
    resolve = Run.resolve

    def resolve_nowhere(self: Run, stage: Stage, label: str) -> Any:
        if stage.name == "train":
            shutil.rmtree("out")
        return resolve(self, stage, label)

    monkeypatch.setattr(Run, "resolve", resolve_nowhere)
    assert main(WORDS) == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert "out/" in last
    assert "No such file or directory" in last
    assert not Path("out").exists()
