"""Laws of code that is not what it was said to be: while it runs, and since it was installed."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Install
from tests.test_leaderboard import row, seeds
from tests.test_run import TINY, TOY
from zoo.board.leaderboard import leaderboard
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import installed
from zoo.registry.origin import is_modified

SHIFTY = """
    import zoo, zoo_toy
    class Shifty(zoo_toy.Honest):
        def WHERE(self, *args):
            with open(__file__, "a") as file:
                file.write("# another line\\n")
            return super().WHERE(*args)
    @zoo.hookimpl
    def zoo_models():
        yield zoo.ModelSpec(api=1, name="shifty", factory="zoo_shifty:Shifty", summary="",
                            offers={"draw"})
"""


def run(folder: Path, *models: str) -> list[dict[str, Any]]:
    plan = make_plan(installed(), models, None, "walks", TINY)
    return Run(plan, Store(folder).open(), "cpu", describe(), jobs=1).execute()


@pytest.mark.parametrize(("where", "stage"), [("fit", "train"), ("draw", "sample")])
def test_code_that_changes_while_it_runs_gives_no_number(
    install: Install, tmp_path: Path, where: str, stage: str
) -> None:
    """Nobody could say which code made it: nothing is kept under either's name."""
    install("zoo-toy", TOY)
    install("zoo-shifty", SHIFTY.replace("WHERE", where))
    (found,) = run(tmp_path / "out", "shifty")
    assert found["status"] == "invalid"
    assert found["reason"].startswith("code-modified: ")
    assert found["values"] == {}
    assert not list((tmp_path / "out").glob(f"{stage}/*"))


@pytest.fixture
def _forget() -> Iterator[None]:
    """What is installed is looked at once per process, and once per test here."""
    is_modified.cache_clear()
    yield
    is_modified.cache_clear()


@pytest.mark.usefixtures("_forget")
def test_an_installed_file_that_was_edited_is_flagged(install: Install, tmp_path: Path) -> None:
    """What RECORD says of a distribution's files must hold, or its rows carry a flag."""
    module = install("zoo-toy", TOY)
    digest = urlsafe_b64encode(hashlib.sha256(module.read_bytes()).digest()).decode().rstrip("=")
    record = install.folder / "zoo_toy-1.0.dist-info" / "RECORD"
    record.write_text(f"{module.name},sha256={digest},\nother.txt,sha256=x,1\n{record.name},,\n")
    (found,) = run(tmp_path / "out", "honest")
    assert found["flags"] == []
    is_modified.cache_clear()
    record.write_text(record.read_text().replace(digest[:5], "AAAAA"))
    (found,) = run(tmp_path / "out", "honest")
    assert found["flags"] == ["code-modified"]
    assert leaderboard([found])["flags"].item().split()[0] == "code-modified"


def test_what_varies_too_little_has_collapsed() -> None:
    """A line whose conformations are alike beyond doubt is flagged; one at the floor is not."""
    floors = row("a", 0, 0.1)["floors"]
    rows = []
    for model, diversity in (("same", 0.1), ("varied", 0.98)):
        for one in seeds(model, 0.1):
            one["values"]["diversity"] = diversity
            one["floors"] = floors | {"diversity": {"mean": 1.0, "low": 0.97, "high": 1.03}}
            rows.append(one)
    flags = leaderboard(rows).set_index("model")["flags"]
    assert "collapse" in flags["same"].split()
    assert "collapse" not in flags["varied"].split()
