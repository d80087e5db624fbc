"""What `zoo new` writes works as it stands: it installs, passes its tests, lands on the board."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.conftest import Install
from tests.stranger import Stranger, arrive
from zoo.board.leaderboard import read_csv
from zoo.cli.new import new
from zoo.conformance import scaffold as room
from zoo.conformance.scaffold import KINDS, first_run, scaffold
from zoo.errors import UsageError
from zoo.registry import Registry, discover

NAMES = {"model": "wave", "sampler": "long-hop", "metric": "aniso", "dataset": "springs"}
NOTHING = Registry((), ())
ROOT = Path(zoo.__file__).parent.parent


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """One package of each kind, written and installed with pip."""
    stranger = arrive(tmp_path_factory.mktemp("stranger"))
    made = [scaffold(NAMES[kind], kind, stranger.folder, registry=NOTHING) for kind in KINDS]
    stranger.run("pip install --quiet " + " ".join(f"./{path.name}" for path in made))
    return stranger


@pytest.fixture(scope="module")
def board(stranger: Stranger) -> dict[str, dict[str, Any]]:
    """What all four together, run on the smallest preset, leave in `leaderboard.csv`, by model."""
    stranger.run(
        "zoo run wave cfm truth --sampler direct --sampler long-hop --dataset springs "
        "--preset quick --device cpu"
    )
    frame = read_csv(stranger.folder / "zoo-results" / "leaderboard.csv")
    return {line["model"]: line for line in json.loads(frame.to_json(orient="records"))}


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(stranger: Stranger, kind: str) -> None:
    """The conformance test that comes with a package finds checks, and all of them pass."""
    said = stranger.run(f"cd zoo-{NAMES[kind]}; pytest -q -p no:cacheprovider")
    assert int(said.split(" passed")[0].split()[-1]) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_clean_by_its_own_settings(stranger: Stranger, kind: str) -> None:
    """Style, format and strict types hold as the package itself asks for them."""
    stranger.run(f"cd zoo-{NAMES[kind]}; ruff check .; ruff format --check .; mypy")


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_it_names_can_be_run(stranger: Stranger, kind: str) -> None:
    """The run that `zoo new` and the package's README advise is planned without complaint."""
    command = first_run(NAMES[kind], kind)
    assert command in (stranger.folder / f"zoo-{NAMES[kind]}" / "README.md").read_text()
    assert "× 1 seed\n" in stranger.run(f"{command} --dry-run")


def test_the_model_is_ranked(board: dict[str, dict[str, Any]]) -> None:
    """It learns something of its data, and its density, like all others, is not the truth."""
    line = board["wave"]
    assert (line["status"], line["sampler"], line["plugin"]) == ("ok", "direct", "zoo-wave/wave")
    assert line["rank"] >= 1
    assert 0 < line["rg_w1"] < 1
    assert line["kl"] > 0


def test_the_sampler_draws_from_a_path_model(board: dict[str, dict[str, Any]]) -> None:
    """20 steps of Heun are 39 calls, since the last step has nowhere to look ahead to."""
    line = board["cfm"]
    assert (line["status"], line["sampler"]) == ("ok", "long-hop")
    assert line["nfe"] == 39
    assert 0 < line["rg_w1"] < 1


def test_the_metric_is_a_column(board: dict[str, dict[str, Any]]) -> None:
    """Truth is at its floor in it, and a model that gets angles wrong is not."""
    assert board["truth"]["aniso"] < 2 * board["truth"]["aniso_floor"]
    assert board["wave"]["aniso"] > 2 * board["truth"]["aniso_floor"]


def test_the_metric_knows_rods_and_squares(stranger: Stranger) -> None:
    """A rod has anisotropy 1, the corners of a square 0, and a right-angled V 1/9."""
    code = (
        "import torch; from zoo_aniso.metric import anisotropy\n"
        "rod, square, corner = [[0, 0], [1, 2], [2, 4], [3, 6]], "
        "[[0, 0], [1, 0], [1, 1], [0, 1]], [[0, 0], [0, 0], [1, 0], [0, 1]]\n"
        "print(anisotropy(torch.tensor([rod, square, corner]).float()).tolist())"
    )
    found = json.loads(stranger.run(f"python -c '{code}'"))
    assert found == pytest.approx([1.0, 0.0, 1 / 9])


def test_the_dataset_works_with_every_metric(board: dict[str, dict[str, Any]]) -> None:
    """Truth is at its floor on it, and nothing that could be measured is missing."""
    line = board["truth"]
    assert (line["status"], line["dataset"], line["reason"]) == ("ok", "springs", "")
    assert "indistinguishable" in line["flags"]
    measured = {x.spec.name for x in discover().of("metric") if not x.spec.model_needs}
    assert [name for name in measured if line[name] is None] == []
    assert board["wave"]["reason"] == board["cfm"]["reason"] == ""


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_name_leaves_it_clean(tmp_path: Path, kind: str) -> None:
    """Whatever the length of a name, no line has to be broken by hand."""
    made = scaffold("x" * 40, kind, tmp_path, registry=NOTHING)
    for words in (["check"], ["format", "--check"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "."], cwd=made, check=True
        )


def test_a_prefix_is_not_doubled(tmp_path: Path) -> None:
    """`zoo-wave` and `wave` ask for the same package."""
    made = scaffold("zoo-wave", "model", tmp_path, registry=NOTHING)
    assert made == tmp_path / "zoo-wave"
    assert 'name="wave"' in (made / "src" / "zoo_wave" / "__init__.py").read_text()


@pytest.mark.parametrize(("version", "bounds"), [("0.1.0", ">=0.1,<0.3"), ("1.4.2", ">=1.4,<1.6")])
def test_the_next_minor_release_is_still_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, bounds: str
) -> None:
    """What is public now warns for one minor release before it goes, and the bounds say so."""
    monkeypatch.setattr(zoo, "__version__", version)
    made = scaffold("wave", "model", tmp_path, registry=NOTHING)
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert f"polymer-zoo{bounds}" in project["dependencies"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../x", "is no name"),
        ("Wave", "is no name"),
        ("1st", "is no name"),
        ("", "is no name"),
        ("zoo-", "is no name"),
        ("wave-", "the last of them a letter or a digit"),
        ("x" * 41, "at most 39 more"),
        ("none", "a word that Python keeps for itself"),
        ("vae", "there is a model 'vae' already, that of plugin 'polymer-zoo'"),
        ("plugins", "there is a package 'zoo_plugins' already"),
    ],
)
def test_a_name_that_will_not_do_is_refused(tmp_path: Path, name: str, said: str) -> None:
    """Each with its own sentence, and nothing is written."""
    with pytest.raises(UsageError, match=said):
        scaffold(name, "model", tmp_path, registry=discover(first_party_only=True))
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_taken_for_its_kind_alone(tmp_path: Path, install: Install) -> None:
    """A stranger's sampler `hop` keeps others from a sampler, not from a metric of that name."""
    install(
        "hopper",
        """
        import zoo

        @zoo.hookimpl
        def zoo_samplers():
            yield zoo.SamplerSpec(api=1, name="hop", factory="x:Y", summary="", needs={"path"})
        """,
    )
    (tmp_path / "here").mkdir()
    with pytest.raises(UsageError, match="that of plugin 'hopper'"):
        scaffold("hop", "sampler", tmp_path / "here", registry=discover())
    assert scaffold("hop", "metric", tmp_path / "here", registry=discover()).is_dir()


def test_what_exists_is_left_alone(tmp_path: Path) -> None:
    """A folder in the way is an error, and keeps what it holds."""
    (tmp_path / "zoo-wave").mkdir()
    (tmp_path / "zoo-wave" / "thesis.tex").write_text("42")
    with pytest.raises(UsageError, match="exists"):
        scaffold("wave", "model", tmp_path, registry=NOTHING)
    assert [path.name for path in tmp_path.rglob("*")] == ["zoo-wave", "thesis.tex"]


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up on the way leaves no folder behind, not even a hidden one."""
    written: list[Path] = []

    def fill_up(path: Path, *_text: str, **_encoding: str) -> None:
        written.append(path)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        path.touch()

    monkeypatch.setattr(Path, "write_text", fill_up)
    with pytest.raises(UsageError, match="No space left on device"):
        scaffold("wave", "model", tmp_path, registry=NOTHING)
    assert len(written) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    """Nobody asked for parents to be made."""
    with pytest.raises(UsageError, match="No such file or directory"):
        scaffold("wave", "model", tmp_path / "nowhere", registry=NOTHING)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lists every file that it wrote, and three commands with the right name."""
    options = argparse.Namespace(
        name="hop", kind="sampler", folder=tmp_path, blocked=[], no_plugins=True
    )
    assert new(options) == 0
    said = capsys.readouterr().out
    files, steps = said.split("next:\n")
    there = {str(path.relative_to(tmp_path / "zoo-hop")) for path in _files(tmp_path)}
    assert set(files.split()[1:]) == there
    assert [step.split()[:2] for step in steps.splitlines()] == [
        ["pip", "install"], ["zoo", "check"], ["zoo", "run"],
    ]  # fmt: skip
    assert steps.count(str(tmp_path / "zoo-hop")) == 1
    assert "--sampler hop" in steps


def test_a_wheel_of_the_zoo_holds_the_templates(tmp_path: Path) -> None:
    """Hidden ones too: what is not in the wheel, only a developer could write."""
    words = ["pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run([sys.executable, "-m", *words, "-w", tmp_path, ROOT], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {name for name in wheel.namelist() if name.endswith(".tmpl")}
    templates = Path(room.__file__).parent / "templates"
    assert packed == {str(path.relative_to(ROOT)) for path in _files(templates)}
    assert len(packed) > 10


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
