"""Laws of `zoo score`: conformations from files, by every metric."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Install
from tests.test_run import TOY
from zoo.cli import main
from zoo.polymer.chain import Chain
from zoo.polymer.files import read_conformations


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("n", [3, 4])
def test_a_few_conformations_can_be_scored(
    n: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So few that no group of them can be left out still have an Rg distribution."""
    chains = tmp_path / "few.npy"
    np.save(chains, Chain(beads=4).sample(n).numpy())
    dataset = "bead-spring[beads=4,n_train=200,n_test=200]"
    main(["score", str(chains), "--dataset", dataset, "--format", "json", "--out", str(tmp_path)])
    scores = {one["metric"]: one["value"] for one in json.loads(capsys.readouterr().out)}
    assert scores["rg_w1"] > 0


def test_drawn_conformations_can_be_scored(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """`zoo sample` writes what `zoo score` reads, and the scores are the file's, not the name's."""
    install("zoo-toy", TOY)
    more = ["--dataset", "walks"]
    for name in ("a.npz", "b.xyz"):
        words = ["sample", "honest", "-n", "100", "--preset", "quick", "-o", name]
        assert main([*words, *more]) == 0
    x, y = (read_conformations(Path(name), (4, 2)) for name in ("a.npz", "b.xyz"))
    np.testing.assert_allclose(x, y, atol=1e-6)
    capsys.readouterr()
    assert main(["score", "a.npz", "--format", "json", *more]) == 0
    before = {line["metric"]: line["value"] for line in json.loads(capsys.readouterr().out)}
    np.savez("a.npz", conformations=2 * x)
    assert main(["score", "a.npz", "--format", "json", *more]) == 0
    after = {line["metric"]: line["value"] for line in json.loads(capsys.readouterr().out)}
    assert before["rg_w1"] != after["rg_w1"]


def test_scoring_a_malformed_file_is_exit_2(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of the wrong shape is named with the shape it has and the one it should have."""
    install("zoo-toy", TOY)
    np.save("x.npy", np.zeros((3, 5, 2)))
    assert main(["score", "x.npy", "--dataset", "walks"]) == 2
    err = capsys.readouterr().err
    assert "shape (3, 5, 2)" in err
    assert "(n, 4, 2)" in err
