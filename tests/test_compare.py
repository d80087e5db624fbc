"""Laws of the gate: what got worse fails, what cannot be compared never passes."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.board.compare import compare, exit_status, read_board
from zoo.board.compare_tables import render_comparison
from zoo.board.leaderboard import COLUMNS, to_csv
from zoo.cli import main

FLOOR = {"floor": 0.02, "floor_low": 0.01, "floor_high": 0.04}
MARGIN = 0.015
METRICS = ("rg_w1", "bond_w1", "ree_w1")
CPU = {
    "cpu_us_per_sample": 100.0,
    "cpu_us_low": 98.0,
    "cpu_us_high": 102.0,
    "cpu_kernel_us": 50.0,
}


def line(model: str = "vae", seeds: Any = (0.1, 0.12, 0.11), **changes: Any) -> dict[str, Any]:
    """A line as the board writes it, with the same seeds' values in every metric."""
    found: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
    found |= {"schema": 2, "model": model, "sampler": "direct", "dataset": "bead-spring"}
    found |= {"status": "ok", "seeds": len(seeds), "part": "ranked", "reason": ""}
    found |= {"preset": "standard", "device": "cpu", "data_sha256": "0123456789ab"}
    found |= {"draws": 10_000, "epochs": 80, "timing_batch": 1_000, "timing_threads": 2}
    found |= {"cpu": "test", "cores": 2, "gpu": "", "torch": "2.13.0"} | CPU
    for metric in METRICS:
        found |= metric_columns(metric, seeds)
    return found | changes


def metric_columns(metric: str, seeds: tuple[float, ...]) -> dict[str, Any]:
    mean = float(np.mean(seeds))
    values = {metric: mean, f"{metric}_low": mean - 0.01, f"{metric}_high": mean + 0.01}
    text = " ".join(f"{value:.6g}" for value in seeds)
    return values | {f"{metric}_seeds": text} | {f"{metric}_{k}": v for k, v in FLOOR.items()}


def board(*lines: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(lines)


def verdicts(base: pd.DataFrame, head: pd.DataFrame) -> dict[str, str]:
    """Verdict by measure, for boards of one line."""
    cells = compare(base, head)
    return {str(k): str(v) for k, v in zip(cells["measure"], cells["verdict"], strict=True)}


def reason(base: pd.DataFrame, head: pd.DataFrame, measure: str = "rg_w1") -> str:
    cells = compare(base, head)
    return str(cells.loc[cells["measure"] == measure, "reason"].item())


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """Write boards to files, and run the command on them."""

    def run(base: pd.DataFrame, head: pd.DataFrame, *words: str) -> int:
        paths = []
        for name, frame in (("base", base), ("head", head)):
            path = tmp_path / f"{name}.csv"
            path.write_text(to_csv(frame))
            paths.append(str(path))
        return main(["compare", *paths, *words])

    return run


def test_a_board_is_the_same_as_itself(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Identical files have no cell that is not SAME, and pass."""
    same = board(line(), line("ddpm", (0.05, 0.2, 0.4)), line("one", (0.3,)))
    assert files(same, same, "--format", "json", "--all-metrics") == 0
    cells = json.loads(capsys.readouterr().out)
    assert {cell["verdict"] for cell in cells} == {"SAME"}
    assert len(cells) == 3 * (len(METRICS) + 1)


def test_a_chain_longer_by_five_percent_is_worse(
    files: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """5% are 0.35 standard deviations of Rg: every seed is that much further off, and it fails."""
    longer = line() | metric_columns("rg_w1", (0.45, 0.47, 0.46))
    assert files(board(line()), board(longer)) == 1
    out = capsys.readouterr().out
    assert out.startswith("1 worse, 3 the same of 4 compared")
    assert "0.35 further from the floor" in out
    assert "3 paired seeds" in out


NOT_WHOLE: dict[str, dict[str, Any]] = {
    "value": {"rg_w1": math.nan},
    "infinite": {"ree_w1": math.inf},
    "floor": {"bond_w1_floor": math.nan},
    "band": {"bond_w1_floor_high": math.nan},
    "seed": {"rg_w1_seeds": "0.1 nan 0.11"},
    "one seed's value": {"rg_w1_seeds": "0.1 0.12"},
    "mean": {"rg_w1": 0.05},
    "clock": {"cpu_us_per_sample": math.nan},
    "time": {"cpu_us_per_sample": math.inf},
    "status": {"status": "error"},
    "data": {"data_sha256": "ffffffffffff"},
    "no data": {"data_sha256": ""},
    "schema": {"schema": 1},
    "draws": {"draws": 2_000},
    "epochs": {"epochs": 4},
    "seeds": {"seeds": 2},
    "preset": {"preset": "quick"},
    "another floor": {"rg_w1_floor": 0.2, "rg_w1_floor_low": 0.1, "rg_w1_floor_high": 0.4},
}


@pytest.mark.parametrize("case", NOT_WHOLE)
def test_what_cannot_be_compared_never_passes(
    case: str, files: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """NaN, other data or another budget, on either side or on both, end with 5."""
    good, bad = board(line(), line("ddpm")), board(line() | NOT_WHOLE[case], line("ddpm"))
    assert files(good, bad) == 5
    assert "not comparable" in capsys.readouterr().out
    assert exit_status(compare(bad, good)) == (0 if case in ("clock", "status") else 5)
    if case in ("value", "infinite", "floor", "status", "no data"):
        assert exit_status(compare(bad, bad)) == 5


def test_a_line_that_is_gone_never_passes_and_a_new_one_does() -> None:
    """A missing line ends with 5, also with nothing left; a worse one beside it with 1."""
    base = board(line(), line("ddpm"))
    assert exit_status(compare(base, board(line()))) == 5
    assert exit_status(compare(base, board(line(seeds=(0.5, 0.51, 0.52))))) == 1
    assert exit_status(compare(base, base[:0])) == 5
    assert exit_status(compare(base[:0], base)) == 5
    assert exit_status(compare(base, board(line(), line("ddpm"), line("new")))) == 0
    twice = board(line(), line(), line("ddpm"))
    assert exit_status(compare(base, twice)) == exit_status(compare(twice, base)) == 5


def test_a_reference_stands_apart() -> None:
    """A reference may get worse; that BASE says what is one keeps HEAD from making it so."""
    worse = line(seeds=(0.5, 0.51, 0.52))
    reference = {"part": "reference"}
    base = board(line(), line("truth") | reference)
    assert exit_status(compare(base, board(line(), worse | {"model": "truth"}))) == 0
    assert exit_status(compare(base, board(worse | reference, line("truth")))) == 1


def test_files_that_are_no_leaderboard_are_usage_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is not a whole leaderboard is named in one paragraph, with exit status 2."""
    good = tmp_path / "good.csv"
    good.write_text(to_csv(board(line())))
    whole = good.read_text()
    bad = {
        "empty": (b"", "lacks the columns schema"),
        "binary": (b"\x7fELF\x00\xff\xfe", "no text"),
        "another table": (b"a,b\n1,2\n", "lacks the columns schema, rank, model, sampler, …"),
        "cut off": (whole[:-40].encode(), "cells"),
        "two headers": (whole.replace("cores", "torch").encode(), "stands twice"),
    }
    (tmp_path / "folder").mkdir()
    for name, (content, sentence) in bad.items():
        path = tmp_path / name
        path.write_bytes(content)
        for pair in ([path, good], [good, path]):
            assert main(["compare", *map(str, pair)]) == 2
            out, err = capsys.readouterr()
            assert (out, err.count("\n")) == ("", 1)
            assert sentence in err
    for missing in ("none.csv", "folder"):
        assert main(["compare", str(good), str(tmp_path / missing)]) == 2
    assert main(["compare", str(good), str(good), "--metric", "rg_w2"]) == 2
    assert "There are: rg_w1, bond_w1, ree_w1" in capsys.readouterr().err


def test_a_folder_stands_for_its_leaderboard(tmp_path: Path) -> None:
    """A results folder is compared by the leaderboard.csv in it."""
    (tmp_path / "leaderboard.csv").write_text(to_csv(board(line())))
    assert main(["compare", str(tmp_path), str(tmp_path / "leaderboard.csv")]) == 0


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    """A model may be called `nan`, and a hash may look like a number: both stay text."""
    path = tmp_path / "leaderboard.csv"
    path.write_text(to_csv(board(line("nan", data_sha256="12345e678901"))))
    frame = read_board(path)
    assert (frame["model"].item(), frame["data_sha256"].item()) == ("nan", "12345e678901")
    other = frame.assign(data_sha256="99999e678901")
    assert exit_status(compare(frame, other)) == 5


def test_metrics_some_models_cannot_have_are_no_cells() -> None:
    """A metric that neither line has is passed over; one that failed in a line is not."""
    without = board(line(nll=math.nan, nll_floor=math.nan))
    assert exit_status(compare(without, without, [*METRICS, "nll"])) == 0
    failed = board(line(nll=math.nan, nll_floor=math.nan, reason="no nll: ValueError: inf"))
    assert exit_status(compare(without, failed, [*METRICS, "nll"])) == 5
    assert exit_status(compare(without, without, ["nll"])) == 5


HOSTILE = (
    "|</code>[x](https://evil.example)\n# `a` ![i](j) <b>*@all* www.evil.example \x1b[2J\u202e"
)


def test_hostile_names_stay_text() -> None:
    """A model's name makes no Markdown, HTML, link, mention or terminal command."""
    worse = line(HOSTILE, seeds=(0.5, 0.51, 0.52))
    cells = compare(board(line(HOSTILE)), board(worse))
    text = render_comparison(cells, "md")
    (row,) = [line for line in text.splitlines() if "<code>" in line and "rg" in line]
    assert row.count("|") == 8
    name = row.split("<code>")[1].split("</code>")[0]
    assert not set(name) & set("<>|*[]()`!@_\x1b\u202e\n")
    assert "://" not in text
    assert "&#64;all" not in text
    table = render_comparison(cells, "table")
    assert not set(table) & {"\x1b", "\u202e"}
    assert pd.read_csv(io.StringIO(render_comparison(cells, "csv"))).shape == cells.shape


def test_people_see_what_is_not_the_same_and_programs_everything() -> None:
    """The table has the gravest first and counts the rest; CSV and JSON have every cell."""
    base = board(line(), line("b"), line("c"))
    head = board(line(seeds=(0.5, 0.51, 0.52)), line("b", cpu="other"), line("d"))
    cells = compare(base, head)
    table = render_comparison(cells, "table").splitlines()
    assert table[0].startswith("3 worse, 1 not comparable, 1 unsure, 1 new, 4 the same of 10")
    assert [row.split()[0] for row in table[4:10]] == [
        *["WORSE"] * 3,
        "INCOMPARABLE",
        "UNSURE",
        "NEW",
    ]
    assert len(json.loads(render_comparison(cells, "json"))) == len(cells) == 10
