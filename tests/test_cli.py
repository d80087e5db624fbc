"""Laws of the command line: what is asked for happens, what cannot is said in one paragraph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Install
from tests.test_run import TOY
from zoo import api
from zoo.board.leaderboard import COLUMNS, read_csv
from zoo.cli import main


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


pytestmark = pytest.mark.usefixtures("_here")

BAD = {
    "no model": (["run"], "name the models to run, or give --all"),
    "both": (["run", "vae", "--all"], "not both"),
    "misspelt model": (["run", "vaee"], "Did you mean 'vae'?"),
    "misspelt sampler": (["run", "ddpm", "--sampler", "ddmi"], "Did you mean 'ddim'?"),
    "misspelt option": (["run", "vae[laten=3]"], "Did you mean 'latent'?"),
    "wrong type": (["run", "vae[latent=two]"], "latent"),
    "unfit sampler": (["run", "vae", "--sampler", "ode"], "vae offers draw"),
    "unknown dataset": (["run", "vae", "--dataset", "proteins"], "Installed: bead-spring"),
    "missing file": (["score", "none.npz"], "there is no file 'none.npz'"),
    "no results": (["leaderboard"], "there is no results folder"),
    "unknown format": (["sample", "vae", "-o", "x.pdb"], "Expected one of .npz"),
    "misspelt value of a sweep": (["run", "vae[latent=2|two]"], "got latent=two (str)"),
    "datasets only": (["run", "bead-spring"], "name the models to run, or give --all"),
    "sweep for one": (["sample", "vae[latent=2|4]", "-o", "x.npz"], "is a sweep of 2"),
    "sweep to score by": (["score", "x", "--dataset", "file[gap=1|2]"], "there is no file 'x'"),
    "unknown name": (["show", "elephant"], "nothing is named 'elephant'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_paragraph_and_exit_2(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be done is said on standard error before anything is trained or written."""
    words, sentence = BAD[case]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("zoo: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert "Traceback" not in err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["run", "vae", "--seeds", "0"],
        ["run", "vae", "--seeds", "two"],
        ["run", "vae", "--preset", "huge"],
        ["run", "vae", "-p", "vae"],
        ["sample", "vae", "-n", "0", "-o", "x.npz"],
        ["fly"],
        [],
    ],
)
def test_bad_grammar_is_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A value no option takes is refused by the parser, with usage and a sentence."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "usage: zoo" in capsys.readouterr().err


def test_cuda_that_is_missing_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--device cuda` without a device trains nothing; `auto` would fall back."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["run", "vae", "--device", "cuda"]) == 2
    assert "no CUDA device" in capsys.readouterr().err


def test_an_unwritable_output_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be made is a usage error before training."""
    Path("taken").write_text("a file")
    assert main(["run", "vae", "--out", "taken/results"]) == 2
    assert "cannot write to the output folder" in capsys.readouterr().err


def test_dry_run_says_what_would_happen_and_does_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every model meets every sampler that fits it, and nothing is written."""
    assert main(["run", "vae", "ddpm", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    jobs = 3 * (len(lines) - 1)
    assert lines[0].startswith(f"bead-spring, preset standard: 6 trainings, {jobs} jobs")
    entries = [line.split(" × ")[0] for line in lines[1:]]
    assert entries[:3] == ["vae · direct", "ddpm · ode", "ddpm · ddim"]
    assert all(entry.startswith("ddpm · ") for entry in entries[1:])
    assert list(Path().iterdir()) == []


def test_a_word_that_is_a_datasets_name_alone_means_the_dataset(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands beside those of `--dataset`; a model of the same name is the model."""
    both = (
        TOY
        + """
    @zoo.hookimpl(specname="zoo_datasets")
    def more():
        for name in ("honest", "strolls"):
            yield zoo.DatasetSpec(api=1, name=name, factory="zoo_toy:Walks", summary="",
                                  offers=set(), source="", license="")
"""
    )
    install("zoo-toy", both)
    words = ["honest", "strolls", "walks[n=200|300]", "--dataset", "honest"]
    assert main(["run", *words, "--dry-run"]) == 0
    out = capsys.readouterr().out
    titles = [line.partition(",")[0] for line in out.splitlines() if "preset" in line]
    assert titles == ["strolls", "walks[n=200]", "walks[n=300]", "honest"]
    assert out.count("honest · direct") == 4
    assert main(["run", "honest", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("bead-spring, ")


def test_several_datasets_make_several_boards(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table for each, ranked within itself, and one file over all that reads back and verifies.

    A name of the sweep alone then finds what the sweep has kept.
    """
    install("zoo-toy", TOY)
    more = ["--preset", "quick", "--jobs", "2", "--no-report"]
    assert main(["run", "honest[steps=1|2]", "walks[n=200|300]", *more]) == 0
    out, err = capsys.readouterr()
    labels = ["walks[n=200]", "walks[n=300]"]
    assert all(f"training honest[steps=1] seed 0 on {one}: done" in err for one in labels)
    assert [line.split(" · ")[0] for line in out.splitlines() if " · preset" in line] == labels
    board = read_csv(Path("zoo-results/leaderboard.csv"))
    assert board["dataset"].tolist() == [label for label in labels for _ in range(2)]
    assert all(set(own["rank"]) in ({1}, {1, 2}) for _, own in board.groupby("dataset"))
    assert set(board["model"]) == {"honest[steps=1]", "honest[steps=2]"}
    assert main(["leaderboard"]) == 0
    assert capsys.readouterr().out == out
    assert main(["verify", "zoo-results/leaderboard.csv"]) == 0
    assert main(["compare", "zoo-results", "zoo-results"]) == 0
    made = {path: path.stat().st_mtime_ns for path in Path("zoo-results/train").iterdir()}
    assert len(made) == 4
    assert main(["run", "honest[steps=2]", "--dataset", labels[0], *more]) == 0
    again = api.run(["honest[steps=1|2]"], dataset=labels, preset="quick", device="cpu", jobs=2)
    assert again[["model", "dataset"]].equals(board[["model", "dataset"]])
    assert {p: p.stat().st_mtime_ns for p in Path("zoo-results/train").iterdir()} == made


def test_a_dataset_that_cannot_be_made_is_told_of_before_anything_is_trained(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where it is the last of several."""
    install("zoo-toy", TOY)
    np.save("far.npy", np.full((30, 4, 2), np.nan))
    words = ["run", "honest", "walks", "file[path='far.npy']", "--preset", "quick", "--jobs", "1"]
    assert main(words) == 2
    assert "far.npy" in capsys.readouterr().err
    assert not Path("zoo-results/train").exists()


def test_list_shows_first_party_and_quarantined(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything installed is listed with kind, version and distribution; the broken, too."""
    install("zoo-toy", TOY, version="3.2")
    install("zoo-broken", "import a_module_that_is_not_there")
    assert main(["list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    kinds = {(line["kind"], line["name"], line["distribution"]) for line in listed["installed"]}
    assert ("model", "vae", "polymer-zoo") in kinds
    assert ("dataset", "walks", "zoo-toy") in kinds
    (broken,) = listed["set_aside"]
    assert broken["distribution"] == "zoo-broken"
    assert "a_module_that_is_not_there" in broken["reason"]
    assert main(["list"]) == 0
    assert "quarantined: zoo-broken" in capsys.readouterr().out


def test_plugins_are_left_out_on_request(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-p no:NAME`, `--no-plugins` and `ZOO_PLUGINS` each keep a plugin from being used."""
    install("zoo-toy", TOY)
    for words in (["-p", "no:zoo-toy"], ["--no-plugins"]):
        assert main(["run", "honest", "--dry-run", *words]) == 2
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert main(["run", "honest", "--dry-run"]) == 2
    monkeypatch.setenv("ZOO_PLUGINS", "zoo-tyo")
    assert main(["list"]) == 2
    assert "names 'zoo-tyo', which is not installed. Did you mean" in capsys.readouterr().err
    monkeypatch.setenv("ZOO_PLUGINS", "zoo-toy")
    assert main(["run", "honest", "--dry-run"]) == 0
    capsys.readouterr()


def test_show_names_options_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    """One plugin is shown with its summary, its description and its options."""
    assert main(["show", "bead-spring"]) == 0
    out = capsys.readouterr().out
    assert "beads=12" in out
    assert "license" in out


def test_a_run_prints_the_board_and_keeps_it(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table goes to standard output; CSV, Markdown and JSON lie in the results folder.

    A failed line makes the exit status 1, and `zoo leaderboard` shows the same board again.
    """
    install("zoo-toy", TOY)
    words = ["honest", "raises", "--dataset", "walks", "--preset", "quick", "--jobs", "1"]
    assert main(["run", *words]) == 1
    out, err = capsys.readouterr()
    assert "honest" in out
    assert "error: RuntimeError: too hot" in out
    assert "training raises seed 0: error" in err
    board = read_csv(Path("zoo-results/leaderboard.csv"))
    assert board.columns.tolist()[: len(COLUMNS)] == list(COLUMNS)
    assert board["status"].tolist() == ["ok", "error"]
    assert "| honest" in Path("zoo-results/leaderboard.md").read_text()
    assert len(json.loads(Path("zoo-results/leaderboard.json").read_text())) == 2
    assert main(["leaderboard"]) == 0
    assert capsys.readouterr().out == out


def test_an_interrupt_keeps_what_has_finished(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with 130, and the same command then goes on from there."""
    install("zoo-toy", TOY)
    words = ["run", "honest", "--dataset", "walks", "--preset", "quick", "--jobs", "1"]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("zoo.harness.run.Run._time", interrupt)
        assert main(words) == 130
    assert "interrupted" in capsys.readouterr().err
    kept = {path: path.stat().st_mtime_ns for path in Path("zoo-results/train").iterdir()}
    assert len(kept) == 1
    assert main(words) == 0
    assert {p: p.stat().st_mtime_ns for p in Path("zoo-results/train").iterdir()} == kept
