"""Laws of lines whose conformations came in files: the same scores, times as they were stated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import Install
from tests.test_run import TOY
from zoo.board.leaderboard import read_csv
from zoo.cli import main

WALKS = ["--dataset", "walks", "--preset", "quick"]


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Install) -> None:
    """Work in an empty folder, with the toy plugin installed."""
    install("zoo-toy", TOY)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


pytestmark = pytest.mark.usefixtures("_here")


def walks(name: str, seed: int, n: int = 2_000) -> str:
    """A file of random walks, which are the truth of the toy dataset."""
    steps = torch.randn(n, 4, 2, generator=torch.Generator().manual_seed(seed))
    np.savez(name, conformations=steps.cumsum(1).numpy())
    return name


def test_a_file_gets_the_line_that_its_model_would(capsys: pytest.CaptureFixture[str]) -> None:
    """What `zoo run` drew, written to a file and scored under a name, has the same figures."""
    assert main(["run", "honest", *WALKS]) == 0
    assert main(["sample", "honest", "-n", "2000", "-o", "a.npz", *WALKS]) == 0
    capsys.readouterr()
    assert main(["score", "a.npz", "--name", "mine", "--seconds", "0.5", *WALKS]) == 0
    out = capsys.readouterr().out
    board = read_csv(Path("zoo-results/leaderboard.csv")).set_index("model")
    mine, honest = board.loc["mine"], board.loc["honest"]
    for column in ("rg_w1", "rg_w1_low", "rg_w1_high", "rg_w1_floor", "bond_w1", "energy_w1"):
        assert mine[column] == honest[column]
    assert mine["rank"] == honest["rank"] == 1
    assert mine["cpu_us_per_sample"] == pytest.approx(0.5e6 / 2_000)
    assert mine["cpu_clock"] == "stated"
    assert "apart" not in honest["cpu_clock"]
    assert np.isnan(mine["nfe"])
    assert "mine" in out


def test_files_are_trainings(capsys: pytest.CaptureFixture[str]) -> None:
    """Three files are three seeds, whose mean the line shows; `zoo verify` scores them again."""
    files = [walks(f"{seed}.npz", seed) for seed in range(3)]
    assert main(["score", *files, "--name", "mine", "--seconds", "6", *WALKS]) == 0
    (line,) = read_csv(Path("zoo-results/leaderboard.csv")).to_dict("records")
    values = [float(text) for text in line["rg_w1_seeds"].split()]
    assert len(set(values)) == line["seeds"] == line["trainings"] == 3
    assert line["rg_w1"] < 3 * line["rg_w1_floor"]  # they are true walks
    assert line["cpu_us_per_sample"] == pytest.approx(1_000)
    capsys.readouterr()
    assert main(["verify", "zoo-results/leaderboard.csv"]) == 0
    assert main(["show", "mine", "file"]) == 0
    assert "again: from files" in capsys.readouterr().out


def test_new_files_take_the_place_of_old_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same name again means the files given last, however many conformations they hold."""
    files = {n: walks(f"{n}.npz", 1, n=n) for n in (2_000, 1_000)}
    shown = []
    for second, n in enumerate((2_000, 1_000, 2_000)):
        monkeypatch.setattr("zoo.harness.brought.now", lambda second=second: f"2026-01-01T{second}")
        assert main(["score", files[n], "--name", "mine", *WALKS]) == 0
        (line,) = read_csv(Path("zoo-results/leaderboard.csv")).to_dict("records")
        assert line["draws"] == n
        shown.append(line["rg_w1"])
    assert shown[0] == shown[2] != shown[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a.npz", "b.npz"], "Give the line a --name"),
        (["a.npz", "--seconds", "3"], "Give the line a --name"),
        (["a.npz", "--name", "../x"], "'../x' is no name for a line"),
        (["a.npz", "--name", "honest"], "the name 'honest' is that of a model"),
        (["a.npz", "a.npz", "--name", "mine"], "hold the same conformations"),
        (["a.npz", "b.npz", "--name", "mine"], "2,000 in a.npz, 1,000 in b.npz"),
        (["a.npz", "c.npz", "--name", "mine"], "there is no file 'c.npz'"),
    ],
)
def test_what_makes_no_line_is_refused(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, one sentence, and nothing on any board."""
    walks("a.npz", 1)
    walks("b.npz", 2, n=1_000)
    assert main(["score", *words, *WALKS]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("zoo-results/rows").exists()
