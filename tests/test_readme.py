"""The README keeps its word: its plugin works, its example runs, its board is a real one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.grid import grid
from zoo.board.leaderboard import read_csv

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> dict[str, str]:
    """Fenced blocks that begin with the name of a file, by that name."""
    found = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return dict(found)


def run(*words: str, cwd: Path, **env: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def lines(folder: Path) -> dict[Hashable, dict[Hashable, Any]]:
    """The board kept by a run in a folder, by model."""
    frame = read_csv(folder / "zoo-results" / "leaderboard.csv").set_index("model")
    return frame.to_dict("index")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's plugin, written out and installed by pip."""
    folder = tmp_path_factory.mktemp("zoo-gauss")
    for name, text in blocks().items():
        if name != "example.py":
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    site = folder / "site"
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    run("pip", "install", *offline, "--target", str(site), str(folder), cwd=folder)
    return site


def test_the_plugin_is_listed_and_ranked(package: Path, tmp_path: Path) -> None:
    """Installed as written, the model appears in `zoo list` and on the leaderboard."""
    env = {"PYTHONPATH": str(package)}
    listed = run("zoo", "list", cwd=tmp_path, **env)
    assert re.search(r"model +gauss +0\.1 +zoo-gauss +draw", listed)
    run("zoo", "run", "gauss", "truth", "--preset", "quick", "--device", "cpu", cwd=tmp_path, **env)
    line = lines(tmp_path)["gauss"]
    assert line["status"] == "ok"
    assert line["rank"] == 1
    assert line["plugin"] == "zoo-gauss/gauss"
    assert 1 < line["rg_w1_ratio"] < 100


def test_the_plugin_is_as_short_as_promised() -> None:
    """Menu and model together are under 30 lines of Python, the model at most 20."""
    code = {
        name: [line for line in text.splitlines() if line.strip()]
        for name, text in blocks().items()
        if name.endswith(".py") and name != "example.py"
    }
    assert sum(map(len, code.values())) < 30
    assert len(code["zoo_gauss/model.py"]) <= 20


def test_a_model_in_a_file_needs_no_package(tmp_path: Path) -> None:
    """`zoo run path/to/model.py:Gauss` runs the same class unpackaged."""
    path = tmp_path / "path" / "to" / "model.py"
    path.parent.mkdir(parents=True)
    path.write_text(blocks()["zoo_gauss/model.py"])
    name = "path/to/model.py:Gauss"
    run("zoo", "run", name, "--preset", "quick", "--device", "cpu", cwd=tmp_path)
    assert {model: line["status"] for model, line in lines(tmp_path).items()} == {name: "ok"}
    assert [found.name for found in path.parent.iterdir()] == ["model.py"]


def test_the_python_example_runs(tmp_path: Path) -> None:
    """The example prints a board on which truth is at its floor and `shuffled` is not."""
    (tmp_path / "example.py").write_text(blocks()["example.py"])
    printed = run("example", cwd=tmp_path)
    assert "shuffled" in printed
    board = lines(tmp_path)
    assert board["truth"]["flags"] == "indistinguishable"
    assert board["shuffled"]["rg_w1_ratio"] > 3


def test_the_board_shown_is_the_committed_result() -> None:
    """The README's table is the one that came with `benchmarks/results/leaderboard.csv`."""
    shown = README.split("<!-- leaderboard -->")[1].split("<!-- /leaderboard -->")[0].strip()
    results = ROOT / "benchmarks" / "results"
    assert shown == (results / "leaderboard.md").read_text(encoding="utf-8").strip()
    frame = read_csv(results / "leaderboard.csv")
    for line in frame.to_dict("records"):
        assert f"| {line['model']} " in shown
        assert f"{line['rg_w1']:.3f}" in shown


def test_the_grid_in_the_readme_is_the_boards() -> None:
    """Every path sampler has met every path model, and the table is the committed board's."""
    shown = README.split("<!-- grid -->")[1].split("<!-- /grid -->")[0].strip()
    board = read_csv(ROOT / "benchmarks" / "results" / "leaderboard.csv")
    assert shown == grid(board).strip()
    assert "–" not in shown


def test_the_conditional_table_in_the_readme_is_the_kept_one() -> None:
    """Its lines are those of a guidance of 3; over the central 90% they hit within 2%."""
    shown = README.split("<!-- guidance -->")[1].split("<!-- /guidance -->")[0].strip()
    kept = (ROOT / "benchmarks" / "results" / "guidance.md").read_text(encoding="utf-8")
    lines = [line for line in kept.splitlines() if line.startswith("|")]
    strong = [line for line in lines[2:] if line.split("|")[3].strip() == "3"]
    assert shown.splitlines() == lines[:2] + strong
    for cells in (line.split("|") for line in strong):
        if 1.88 <= float(cells[4]) <= 3.10:
            assert abs(float(cells[6].strip("% "))) <= 2


def test_the_coverage_in_the_docs_is_the_one_that_was_simulated() -> None:
    """The table in docs/numbers.md is the kept one, line by line."""
    docs = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    shown = docs.split("<!-- coverage -->\n")[1].split("<!-- /coverage -->")[0].strip()
    kept = (ROOT / "benchmarks" / "results" / "coverage.md").read_text(encoding="utf-8")
    assert shown == kept[kept.index("|") :].strip()
    assert shown.count("\n") > 10
