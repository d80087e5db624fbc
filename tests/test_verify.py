"""Laws of `zoo verify`: what is kept gives the board's figures, and whatever does not is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import installing
from tests.test_run import TINY, TOY
from zoo import boards
from zoo.board.leaderboard import leaderboard, to_csv
from zoo.cli import main
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.harness.whole import seal, unseal
from zoo.registry import installed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A results folder of two models at two seeds, with its leaderboard.csv."""
    folder = tmp_path_factory.mktemp("made")
    with installing(folder / "site-packages") as install:
        install("zoo-toy", TOY)
        plan = make_plan(installed(), ["honest", "gaussian"], None, "walks", replace(TINY, seeds=2))
        out = folder / "zoo-results"
        rows = Run(plan, Store(out).open(), "cpu", describe(), jobs=2).execute()
        (out / "leaderboard.csv").write_text(to_csv(leaderboard(rows)))
        yield out


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be tampered with."""
    return Path(shutil.copytree(made, tmp_path / "zoo-results"))


class Verify:
    """Runs the command in this process.

    Args:
        capsys: Catches what it prints.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, results: Path, board: Path | None = None) -> tuple[int, list[str]]:
        """Exit status and lines of output."""
        board = board or results / "leaderboard.csv"
        status = main(["verify", str(board), "--out", str(results), "--jobs", "2"])
        return status, self._capsys.readouterr().out.splitlines()


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    return Verify(capsys)


def row_of(results: Path, model: str, seed: int) -> tuple[Path, dict[str, Any]]:
    for path in (results / "rows").iterdir():
        row, _ = unseal(path.read_bytes())
        if (row["model"], row["seed"]) == (model, seed):
            return path, row
    raise LookupError(model, seed)


def sample_of(results: Path, model: str, seed: int) -> Path:
    key = row_of(results, model, seed)[1]["made_by"]["keys"]["sample"]
    return results / "sample" / key


def test_a_fresh_board_holds_and_is_only_read(results: Path, verify: Verify) -> None:
    """Every figure agrees, none comes from a kept score, and the folder stays as it is."""
    shutil.rmtree(results / "score")
    before = {path: path.stat().st_mtime_ns for path in sorted(results.rglob("*"))}
    status, (line,) = verify(results)
    assert status == 0
    count, rest = line.split(maxsplit=1)
    assert rest == "figures verified: all hold"
    metrics = len(row_of(results, "honest", 0)[1]["values"])
    assert int(count) >= 2 * metrics * (2 + 7)  # two lines: two seeds' values, seven columns
    assert {path: path.stat().st_mtime_ns for path in sorted(results.rglob("*"))} == before


def test_a_folder_of_other_results_is_no_place_to_verify_by(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where not one row is kept, as beside a board that was copied, nothing is said of figures."""
    shutil.rmtree(results / "rows")
    assert main(["verify", str(results / "leaderboard.csv"), "--out", str(results)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Expected the results folder that the board was made in." in err


def test_a_flipped_bit_and_a_missing_file_are_named(results: Path, verify: Verify) -> None:
    """Damage is told by the SHA-256, names its line and seed, and is left where it is."""
    path = sample_of(results, "honest", 1) / "drawn.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    (sample_of(results, "gaussian", 0) / "drawn.safetensors").unlink()
    status, lines = verify(results)
    assert status == 1
    assert len(lines) == 3
    assert lines[0].startswith("honest · direct seed 1 · sample: ") != lines[1].startswith("honest")
    found = "\n".join(lines)
    assert "drawn.safetensors' is not what was kept: its SHA-256 is another one" in found
    assert "gaussian · direct seed 0 · sample: cannot read" in found
    assert path.read_bytes() == data


def test_a_damaged_density_is_named(results: Path, verify: Verify) -> None:
    """What a model said of the test conformations is checked like its draws."""
    key = row_of(results, "gaussian", 1)[1]["made_by"]["keys"]["density"]
    path = results / "density" / key / "density.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + bytes(4))
    status, lines = verify(results)
    assert status == 1
    (line,) = (line for line in lines if "seed" in line)
    assert line.startswith("gaussian · direct seed 1 · sample: ")
    assert "density.safetensors' is not what was kept" in line


def test_a_forged_sample_is_found_by_its_figures(results: Path, verify: Verify) -> None:
    """Conformations under a record that matches them still give other figures than the row's."""
    target, source = sample_of(results, "honest", 0), sample_of(results, "gaussian", 0)
    store = Store(results)
    facts = store.check("sample", target.name).facts
    store.forget("sample", target.name)
    scratch = store.scratch()
    shutil.copy(source / "drawn.safetensors", scratch)
    store.keep("sample", target.name, scratch, facts)
    status, lines = verify(results)
    assert status == 1
    kept = row_of(results, "honest", 0)[1]["values"]["rg_w1"]
    forged = row_of(results, "gaussian", 0)[1]["values"]["rg_w1"]
    expected = f"honest · direct seed 0 · rg_w1: kept {kept:.6g}, recomputed {forged:.6g}"
    assert expected in lines
    assert any(line.startswith("honest · direct · rg_w1: kept") for line in lines)
    assert not any(line.startswith("gaussian") or "seed 1" in line for line in lines)


@pytest.mark.parametrize("column", ["rg_w1", "bond_w1", "ree_w1_high", "rg_w1_floor_low"])
def test_an_edited_number_is_named(results: Path, verify: Verify, column: str) -> None:
    """A figure of the CSV that was changed by 1% is named with what it should be."""
    frame = boards.read_board(results)
    was = float(frame.loc[frame["model"] == "honest", column].item())
    frame.loc[frame["model"] == "honest", column] = f"{was * 1.01:.6g}"
    board = results / "edited.csv"
    board.write_text(to_csv(frame))
    status, lines = verify(results, board)
    assert status == 1
    assert lines[0] == f"honest · direct · {column}: kept {was * 1.01:.6g}, recomputed {was:.6g}"
    assert len(lines) == 2


def test_an_edited_value_of_a_seed_is_named(results: Path, verify: Verify) -> None:
    """The values that a comparison pairs are verified one by one."""
    frame = boards.read_board(results)
    here = frame["model"] == "honest"
    first, second = frame.loc[here, "rg_w1_seeds"].item().split()
    for text, found in ((f"{second} {first}", 2), (first, 1)):
        frame.loc[here, "rg_w1_seeds"] = text
        (results / "edited.csv").write_text(to_csv(frame))
        status, lines = verify(results, results / "edited.csv")
        assert status == 1
        assert [line.split(":")[0] for line in lines[:-1]] == [
            f"honest · direct · rg_w1_seeds[{place}]" for place in (0, 1)[-found:]
        ]


def test_an_edited_row_is_named(results: Path, verify: Verify) -> None:
    """A row that says something else than its conformations is named, though its seal holds."""
    path, row = row_of(results, "gaussian", 1)
    row["values"]["bond_w1"] *= 0.5
    path.write_text(seal(row))
    status, lines = verify(results)
    assert status == 1
    assert lines[0].startswith("gaussian · direct seed 1 · bond_w1: kept ")


def test_what_is_missing_is_named(results: Path, verify: Verify) -> None:
    """A line without its row, and one without its data, hold nothing."""
    row_of(results, "honest", 1)[0].unlink()
    shutil.rmtree(results / "data")
    status, lines = verify(results)
    assert status == 1
    assert any(line.startswith("honest · direct · rows: ") for line in lines)
    assert sum("no data with the SHA-256" in line for line in lines) == 2


def test_bad_usage_is_exit_2(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a folder that is not there nor a file that is no leaderboard is verified."""
    board = str(results / "leaderboard.csv")
    assert main(["verify", board, "--out", "nowhere"]) == 2
    assert "there is no results folder 'nowhere'" in capsys.readouterr().err
    empty = results / "empty.csv"
    empty.write_text((results / "leaderboard.csv").read_text().splitlines()[0] + "\n")
    assert main(["verify", str(empty), "--out", str(results)]) == 2
    assert "no lines" in capsys.readouterr().err
