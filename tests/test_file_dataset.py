"""Laws of conformations in files as a dataset, and of finite datasets on the board."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.test_run import TINY
from zoo.board.leaderboard import leaderboard
from zoo.board.tables import render
from zoo.conformance import cases, run_checks
from zoo.errors import UsageError
from zoo.harness.files import write_conformations
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.stages import Materialise
from zoo.harness.store import Store
from zoo.harness.verify import recompute
from zoo.polymer import center
from zoo.registry import installed
from zoo_plugins.datasets.file import File

Frames = NDArray[np.float32]


def walk(n: int = 400, dim: int = 2, memory: float = 0.8) -> Frames:
    """A trajectory of chains whose bonds forget their past by a factor per frame."""
    random = np.random.default_rng(0)
    bonds = random.normal(size=(n, 5, dim))
    for before, now in pairwise(bonds):
        now[:] = memory * before + (1 - memory**2) ** 0.5 * now
    return bonds.cumsum(axis=1).astype(np.float32)


def save(path: Path, x: Frames) -> str:
    """Write frames in the format of the suffix."""
    write_conformations(path, x)
    return str(path)


@pytest.mark.parametrize("dim", [2, 3])
def test_every_format_gives_the_same_sets(tmp_path: Path, dim: int) -> None:
    """Also xyz, which has three columns for chains in the plane, to its six decimals."""
    found = [
        File(save(tmp_path / f"a{suffix}", walk(dim=dim))).split()
        for suffix in (".npy", ".npz", ".xyz")
    ]
    for train, test in found:
        torch.testing.assert_close(train, found[0][0], atol=2e-6, rtol=0)
        torch.testing.assert_close(test, found[0][1], atol=2e-6, rtol=0)


def test_frames_are_those_of_python(tmp_path: Path) -> None:
    """Start, stop and step choose what the same slice of the array holds; all are frames of it."""
    x = walk()
    whole, part = save(tmp_path / "a.npy", x), save(tmp_path / "b.npy", x[50:350:2])
    for mine, theirs in zip(File(whole, "50:350:2").split(), File(part).split(), strict=True):
        torch.testing.assert_close(mine, theirs)
    centred = {frame.numpy().tobytes() for frame in center(torch.from_numpy(x))}
    assert {frame.numpy().tobytes() for frame in torch.cat(File(whole).split())} <= centred


@pytest.mark.parametrize("text", ["300", "a:b", "0:300:0", "::", "0:10:-1", "-5:"])
def test_frames_that_mean_nothing_are_refused_at_once(text: str) -> None:
    """Before anything is read; '::' is a slice of everything, but no step follows."""
    with pytest.raises(UsageError, match="expected start:stop"):
        File("nowhere.npy", frames=text)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    """With the numbers of the frames in the file, not among the chosen ones."""
    x = walk()
    x[[20, 63, 64]] = np.nan
    x[200:260] = x[200]
    path = save(tmp_path / "bad.npz", x)
    with pytest.raises(UsageError) as caught:
        File(path, frames="10:").split()
    message = str(caught.value)
    assert "frames 20, 63-64 hold NaN or infinity" in message
    assert "59 of 390 frames repeat earlier ones exactly (frames 201-259)" in message
    train, _ = File(path, frames="65:200").split()
    assert torch.isfinite(train).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x: x[:99], "99 frames are chosen, and 100 are the least"),
        (lambda x: np.repeat(x[:1], 200, axis=0), "radius of gyration is the same in all frames"),
        (lambda x: x[:, :1], "frames are 1 beads in 2 dimensions"),
        (np.zeros_like, "radius of gyration is the same in all frames"),
        (lambda x: np.pad(x, ((0, 0), (0, 0), (0, 2))), "in 4 dimensions"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    tmp_path: Path, change: Callable[[Frames], Frames], sentence: str
) -> None:
    """Too little, always the same, or no chains."""
    np.save(tmp_path / "a.npy", change(walk()))
    with pytest.raises(UsageError, match=sentence):
        File(str(tmp_path / "a.npy")).split()


def test_a_few_repeated_frames_pass(tmp_path: Path) -> None:
    """A rejected Monte Carlo move leaves a frame as it was."""
    x = walk()
    x[100:130] = x[99]
    assert len(File(save(tmp_path / "a.npy", x)).split()[1]) == 80


def test_memory_is_not_taken_for_promises(tmp_path: Path) -> None:
    """Headers are believed only as far as the file goes, and nothing is unpickled."""
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    shape = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 30, 3), }"
    (tmp_path / "liar.npy").write_bytes(header + shape.ljust(117) + b"\n" + b"0" * 100)
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros((40_000, 30, 3)))
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps([1]))
    for name, sentence in (
        ("liar.npy", "its header promises 360,000,000 bytes"),
        ("bomb.npz", r"it unpacks to 28,800,\d{3} bytes; at most"),
        ("pickle.npy", "not in NumPy's format"),
    ):
        with pytest.raises(UsageError, match=sentence):
            File(str(tmp_path / name)).split()


def test_without_mdanalysis_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named, and so are the formats that need nothing."""
    monkeypatch.setitem(sys.modules, "MDAnalysis", None)
    with pytest.raises(UsageError, match=r"Install polymer-zoo\[md\], or convert .*\.npz"):
        File("run.dcd").split()


def test_mdanalysis_gives_the_selected_atoms(tmp_path: Path) -> None:
    """Every second atom of every second frame, as the plain reader gives them."""
    pytest.importorskip("MDAnalysis", reason="the extra polymer-zoo[md] is not installed")
    x = walk(dim=3)
    path = save(tmp_path / "a.xyz", x)
    theirs = File(path, frames="0:300:2", select="index 0 2 4").split()
    mine = File(save(tmp_path / "b.npy", x[:300:2, ::2])).split()
    for a, b in zip(theirs, mine, strict=True):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=0)
    with pytest.raises(UsageError, match="MDAnalysis cannot read"):
        File(path, select="no such words").split()


def test_a_changed_file_is_other_data(tmp_path: Path) -> None:
    """A result is kept under what a file holds: the path alone says nothing."""
    path = tmp_path / "a.npy"

    def key(x: Frames) -> str:
        save(path, x)
        return Materialise(installed().find("dataset", f"file[path={str(path)!r}]")).key

    first = key(walk())
    assert key(walk()[::-1]) != first
    assert key(walk()) == first


def test_the_kit_skips_what_has_no_data(tmp_path: Path) -> None:
    """A dataset without its file breaks no law, one with a file is judged by all."""
    missing = f"file[path={str(tmp_path / 'none.npy')!r}]"
    there = f"file[path={save(tmp_path / 'a.npy', walk())!r}]"
    for name, judged in (("file", False), (missing, False), (there, True)):
        found = {report.check: report for report in run_checks(cases(name))}
        assert not [one for one in found.values() if one.status == "failed"]
        assert (found["split_is_right"].status == "passed") is judged
    assert "there are no data to judge" in found["split_is_right"].message or judged


def test_bad_data_stop_a_run_before_it_starts(tmp_path: Path) -> None:
    """With the dataset's own words, and the exit status of bad usage."""
    plan = make_plan(installed(), ["shuffled"], None, "file[path='none.npy']", TINY)
    run = Run(plan, Store(tmp_path / "results").open(), "cpu", describe())
    with pytest.raises(UsageError, match=r"none\.npy.*: cannot read 'none\.npy': No such file"):
        run.execute()
    assert not list((tmp_path / "results").glob("train/*"))


def test_a_finite_dataset_gives_a_whole_board(tmp_path: Path) -> None:
    """Floors and intervals from blocks, nothing that needs a truth, and again without the file."""
    path = tmp_path / "a.npy"
    label = f"file[path={save(path, walk(2_000))!r}]"
    registry, store = installed(), Store(tmp_path / "results").open()
    plan = make_plan(registry, ["copy-train"], None, label, replace(TINY, replicas=4))
    assert not {"energy_w1", "kl"} & {metric.label for metric in plan.metrics}
    (row,) = Run(plan, store, "cpu", describe()).execute()
    assert row["status"] == "ok"
    assert row["faults"] == {}
    assert row["floors"]["rg_w1"]["low"] > 0
    assert len(row["replicates"]["rg_w1"]) == 4
    assert row["made_by"]["n_test"] == 400
    # squares of Gaussian bonds forget as the square of the memory: (1 + 0.64) / (1 - 0.64)
    assert row["made_by"]["n_test_effective"] == pytest.approx(400 / 4.6, rel=0.5)
    board = leaderboard([row])
    assert board["exact_us_per_sample"].isna().all()
    assert "Test set: 400 conformations that follow one another in time" in render(board, "md")
    path.unlink()
    (again,) = recompute([row], registry, store, 1, lambda _event: None)
    assert again.fault == ""
    assert list(again.findings()) == []


def test_truth_is_left_out_by_name() -> None:
    """A reference that needs fresh truth is refused where it is named and left out where not."""
    with pytest.raises(UsageError, match="truth needs fresh, which file does not offer"):
        make_plan(installed(), ["truth"], None, "file", TINY)
    plan = make_plan(installed(), None, None, "file", TINY)
    assert "truth needs fresh, which file does not offer" in plan.left_out
