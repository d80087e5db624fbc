"""Law of damage: whatever kept file one byte of is changed, it is named and no number is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import installing
from tests.test_run import TINY, TOY
from zoo import boards
from zoo.board.leaderboard import leaderboard, to_csv
from zoo.errors import UsageError
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.rowfile import SCHEMA
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.harness.whole import seal, unseal
from zoo.registry import installed

MODELS = ["honest", "gaussian"]
_TIMES = ("times", "measured", "train_seconds", "sample_seconds")


def run(folder: Path) -> list[dict[str, object]]:
    plan = make_plan(installed(), MODELS, None, "walks", TINY)
    return Run(plan, Store(folder).open(), "cpu", describe(), jobs=2).execute()


def scores(rows: list[dict[str, object]]) -> str:
    return json.dumps([{k: v for k, v in row.items() if k not in _TIMES} for row in rows])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A results folder of two models, one of them with a density, and its scores."""
    folder = tmp_path_factory.mktemp("made")
    with installing(folder / "site-packages") as install:
        install("zoo-toy", TOY)
        rows = run(folder / "results")
        (folder / "results" / "leaderboard.csv").write_text(to_csv(leaderboard(rows)))
        yield folder / "results", scores(rows)


@pytest.fixture
def results(made: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(made[0], tmp_path / "results"))


KINDS = (
    *("data/*/data.safetensors", "data/*/replicas.safetensors", "train/*/weights.safetensors"),
    *("density/*/density.safetensors", "sample/*/drawn.safetensors"),
    *(f"{stage}/*/result.json" for stage in ("data", "train", "density", "sample", "score")),
    *("floor/*/result.json", "time/*/result.json", "rows/*.json"),
)
"""Every kind of file that a number may come from."""


def flip(path: Path, share: float) -> None:
    """Change one bit, a share of the way into the file."""
    raw = bytearray(path.read_bytes())
    at = int(share * len(raw))
    while raw[at : at + 1].isspace():  # between two words of JSON it would change nothing
        at += 1
    raw[at] ^= 1
    path.write_bytes(raw)


def test_all_kinds_of_files_are_tried(results: Path) -> None:
    """What a run leaves is on the list, or holds no number that is read again."""
    there = {path for path in results.rglob("*") if path.is_file()}
    tried = {path for kind in KINDS for path in results.glob(kind)}
    rest = {path.relative_to(results).parts[0] for path in there - tried}
    assert rest <= {"logs", "leaderboard.csv", "tmp"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.6])
def test_damage_is_named_and_mended(
    made: tuple[Path, str],
    results: Path,
    kind: str,
    share: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file is named, and the next run has the scores that there were before."""
    path = sorted(results.glob(kind))[0]
    flip(path, share)
    if kind.startswith("rows"):
        shown = leaderboard(Store(results).rows())
        assert len(shown) == len(MODELS) - 1
    assert scores(run(results)) == made[1]
    assert str(path) in caplog.text
    caplog.clear()
    assert scores(run(results)) == made[1]
    assert caplog.text == ""


@pytest.mark.parametrize("kind", ["train/*/weights.safetensors", "rows/*.json"])
def test_a_file_that_was_cut_off_is_named_and_mended(
    made: tuple[Path, str], results: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file of which only the beginning is left is damaged like any other."""
    path = sorted(results.glob(kind))[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert scores(run(results)) == made[1]
    assert str(path) in caplog.text


def test_no_byte_of_a_row_can_change_unnoticed(results: Path) -> None:
    """A row with any one byte changed is no row, or the very same one."""
    path = sorted(results.glob("rows/*.json"))[0]
    raw, (row, _) = path.read_bytes(), unseal(path.read_bytes())
    for at in range(0, len(raw), 17):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        found = Store(results).keyed_rows().get(path.stem)
        assert found in (None, row)
    for at in range(len(raw) - 100, len(raw)):  # where its seal is
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        assert Store(results).keyed_rows().get(path.stem) in (None, row)


def test_rows_of_earlier_versions_are_read(results: Path, made: tuple[Path, str]) -> None:
    """Rows without a seal are rows if they have the shape of one."""
    paths = sorted(results.glob("rows/*.json"))
    for path in paths:
        row, sealed = unseal(path.read_bytes())
        assert sealed
        del row["flags"]
        path.write_text(json.dumps(row))
    lines = leaderboard(Store(results).rows())
    again = leaderboard(Store(made[0]).rows())
    assert to_csv(lines) == to_csv(again)
    whole, _ = unseal(paths[0].read_bytes())
    del whole["made_by"]["machine"]["torch"]
    for other in ({"model": "vae"}, whole):
        paths[0].write_text(json.dumps(other))
        assert len(leaderboard(Store(results).rows())) == len(paths) - 1


def test_what_a_newer_version_wrote_is_refused(results: Path) -> None:
    """A row or a board of a schema that nobody knows yet says that this zoo is too old for it."""
    path = sorted(results.glob("rows/*.json"))[0]
    row, _ = unseal(path.read_bytes())
    path.write_text(seal(row | {"schema": SCHEMA + 1}))
    with pytest.raises(UsageError, match=f"its schema is {SCHEMA + 1}.*Install a newer"):
        boards.leaderboard(results)
    board = results / "leaderboard.csv"
    lines = [line.split(",", 1) for line in board.read_text().splitlines()]
    newer = [lines[0], *([str(SCHEMA + 1), rest] for _, rest in lines[1:])]
    board.write_text("".join(f"{schema},{rest}\n" for schema, rest in newer))
    with pytest.raises(UsageError, match=f"its schema is {SCHEMA + 1}.*Install a newer"):
        boards.read_board(results)
