"""Laws of files that people bring: what was written comes back, what is wrong is named."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.harness.files import check_target, write_conformations
from zoo.polymer.files import read_conformations


def some(n: int = 5, dim: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A few random conformations."""
    return np.random.default_rng(0).normal(size=(n, 12, dim)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".xyz"])
@pytest.mark.parametrize("dim", [2, 3])
def test_what_was_written_comes_back(tmp_path: Path, suffix: str, dim: int) -> None:
    """Every format keeps all conformations, to the six decimals xyz holds."""
    x = some(dim=dim)
    path = tmp_path / f"chains{suffix}"
    write_conformations(path, x)
    np.testing.assert_allclose(read_conformations(path, (12, dim)), x, atol=1e-6)


def test_xyz_is_what_other_programs_read(tmp_path: Path) -> None:
    """A frame is a count, a comment, and one line of symbol and three numbers per bead."""
    x = some(1)
    path = tmp_path / "chains.xyz"
    write_conformations(path, x)
    lines = path.read_text().splitlines()
    assert lines[0] == "12"
    assert len(lines) == 14
    symbol, *numbers = lines[2].split()
    assert symbol == "C"
    np.testing.assert_allclose([float(v) for v in numbers], [*x[0, 0], 0.0], atol=1e-6)


def test_faults_are_named(tmp_path: Path) -> None:
    """Each kind of bad file has a sentence of its own, and none is read as conformations."""
    x = some()
    x[3, 1, 0] = np.nan
    cases: dict[str, tuple[Callable[[Path], object], str]] = {
        "nan.npy": (lambda p: np.save(p, x), r"1 of 5 frames hold NaN or infinity \(frames 3\)"),
        "shape.npy": (lambda p: np.save(p, x[:, :4]), r"shape \(5, 4, 2\)"),
        "empty.npy": (lambda p: np.save(p, x[:0]), r"shape \(0, 12, 2\)"),
        "words.npy": (lambda p: np.save(p, np.full((1, 12, 2), "a")), "Expected numbers"),
        "two.npz": (lambda p: np.savez(p, a=x, b=x), "it holds the arrays a, b"),
        "page.npz": (lambda p: p.write_text("<!DOCTYPE html><p>404"), "it is a web page"),
        "lfs.npz": (lambda p: p.write_text("version https://git-lfs.x"), "Git LFS pointer"),
        "pickle.npy": (lambda p: p.write_bytes(pickle.dumps([1])), "not in NumPy's format"),
        "objects.npy": (lambda p: np.save(p, np.array([{}]), allow_pickle=True), "pickled objects"),
        "short.xyz": (lambda p: p.write_text("12\n\nC 0 0 0\n"), "frame 0 ends after 1 of 12"),
        "prose.xyz": (lambda p: p.write_text("hello\n"), "line 1 should be a number of beads"),
        "chains.txt": (lambda p: p.write_text(""), "ends in '.txt'"),
    }
    for name, (write, sentence) in cases.items():
        path = tmp_path / name
        write(path)
        with pytest.raises(UsageError, match=sentence):
            read_conformations(path, (12, 2))


def test_all_faults_of_an_xyz_are_named_with_their_lines(tmp_path: Path) -> None:
    """One message has every line that will not do, up to a few."""
    path = tmp_path / "chains.xyz"
    good, short, word = "C 1 2 3\n", "C 1 2\n", "C 1 2 x\n"
    path.write_text(f"2\n\n{good}{short}2\n\n{word}{good}1\n\n{good}\n")
    with pytest.raises(UsageError) as refusal:
        read_conformations(path, (2, 3))
    for fault in (
        "line 4 should be a symbol and three numbers, not 'C 1 2'",
        "line 7 should be a symbol and three numbers, not 'C 1 2 x'",
        "line 9: a frame of 1 beads, where the first has 2",
    ):
        assert fault in str(refusal.value)
    path.write_text(f"9\n\n{word * 9}")
    with pytest.raises(UsageError, match=r"line 7 .*; …\. Expected"):
        read_conformations(path, (9, 3))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that is not there is said to be so."""
    with pytest.raises(UsageError, match=r"cannot read .*none\.npz"):
        read_conformations(tmp_path / "none.npz", (12, 2))


def test_a_bad_target_is_refused_before_any_work(tmp_path: Path) -> None:
    """An unknown suffix, a missing folder and a folder's own name are usage errors."""
    with pytest.raises(UsageError, match=r"Expected one of \.npz"):
        check_target(tmp_path / "chains.pdb")
    with pytest.raises(UsageError, match="there is no folder"):
        check_target(tmp_path / "none" / "chains.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_target(tmp_path / "folder.npz")
