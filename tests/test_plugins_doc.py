"""docs/plugins.md, followed word for word in an empty folder, does what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import Any

import pytest

from tests.public_names import MODULES
from tests.stranger import arrive
from zoo.board.leaderboard import read_csv

PAGE = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text(encoding="utf-8")

Lines = dict[str, dict[str, Any]]
"""A board, by model."""


@dataclass(frozen=True)
class Block:
    """What stands between two fences, under which heading."""

    section: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """The path in its first line, or nothing."""
        found = re.match(r"# (\S+\.\w+)\n", self.text)
        return found[1] if found else ""


def blocks() -> Iterator[Block]:
    """All blocks of the page, in order."""
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.DOTALL | re.M):
            yield Block(section.partition("\n")[0], language, text)


@dataclass(frozen=True)
class Followed:
    """What came of following the page: text shown and text printed, and boards by section."""

    shown: list[tuple[str, str]]
    boards: dict[str, Lines]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Write every file and run every command, one after another."""
    reader = arrive(tmp_path_factory.mktemp("reader"))
    result, printed = Followed([], {}), ""
    csv = reader.folder / "zoo-results" / "leaderboard.csv"
    for block in blocks():
        if block.language == "sh":
            printed = reader.run(block.text)
        elif block.language == "text":
            result.shown.append((block.text, printed))
        else:
            path = reader.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if csv.exists():
            lines = json.loads(read_csv(csv).to_json(orient="records"))
            result.boards[block.section] = {line["model"]: line for line in lines}
    return result


def test_every_block_is_carried_out() -> None:
    """A block is commands, what they print, or a file with its path in the first line."""
    before = ""
    for block in blocks():
        if block.language == "text":
            assert before == "sh", block.text
        elif block.language != "sh":
            assert block.file, block.text
        before = block.language


def test_a_model_takes_less_than_thirty_lines() -> None:
    """So the page promises, of all the Python in its first section."""
    first = [block for block in blocks() if block.section == "A model"]
    code = [block.text for block in first if block.language == "python"]
    lines = [line for text in code for line in text.splitlines()[1:] if line.strip()]
    assert 10 < len(lines) < 30


def test_what_is_shown_is_what_is_printed(followed: Followed) -> None:
    """Output on the page is that of the commands above it; dots stand for anything."""
    assert len(followed.shown) >= 2
    for shown, printed in followed.shown:
        same = OutputChecker().check_output(shown, printed, ELLIPSIS | NORMALIZE_WHITESPACE)
        assert same, printed


def test_the_model_lies_between_the_references(followed: Followed) -> None:
    """Its line is ranked; it is no truth, and knows more than each coordinate alone."""
    board = followed.boards["A model"]
    assert board["wave"]["status"] == "ok"
    assert board["wave"]["rank"] == 1
    assert board["wave"]["plugin"] == "zoo-wave/wave"
    assert board["truth"]["rg_w1"] < board["wave"]["rg_w1"] < board["shuffled"]["rg_w1"]


def test_the_sampler_draws_from_the_path_model(followed: Followed) -> None:
    """Both are strangers, neither knows the other; the calls are counted by the harness."""
    line = followed.boards["A sampler"]["small.py:Small"]
    assert (line["status"], line["sampler"], line["nfe"]) == ("ok", "hop", 40)
    assert line["rg_w1"] < 0.5


def test_the_metric_is_a_column(followed: Followed) -> None:
    """Truth is at its floor there; wrong chains are not."""
    board = followed.boards["A metric"]
    assert board["truth"]["reach"] < 3 * board["truth"]["reach_floor"] < board["shuffled"]["reach"]


def test_the_dataset_has_a_board_of_its_own(followed: Followed) -> None:
    """A model and the truth are on it, with figures that need energy and density."""
    board = followed.boards["A dataset"]
    assert {line["dataset"] for line in board.values()} == {"stiff"}
    assert board["wave"]["kl"] > 0
    assert "indistinguishable" in board["truth"]["flags"]


def test_the_page_names_all_that_is_public() -> None:
    """Modules whose names are held by a test are those that the page promises to keep."""
    promised = PAGE.split("## Compatibility")[1].split("All else")[0]
    assert set(re.findall(r"`(zoo[\w.]*)`", promised)) - {"zoo.run", "zoo.leaderboard"} == set(
        MODULES
    )
