"""Law of isolation: whatever a plugin does to its process, others never notice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import installing
from tests.test_run import TINY, TOY
from tests.villains import VILLAINS
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.process import LOG_BYTES
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import installed

LIMITS = replace(TINY, timeout=20.0, memory_gb=1.5)
Rows = dict[str, dict[str, Any]]


def run(folder: Path, *models: str) -> Rows:
    plan = make_plan(installed(), models, None, "walks", LIMITS)
    rows = Run(plan, Store(folder).open(), "cpu", describe(), jobs=4).execute()
    return {row["model"]: row for row in rows}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Rows, Rows]]:
    """The folder and rows of an honest model among ten villains, and its row without them."""
    folder = tmp_path_factory.mktemp("crowd")
    site = folder / "site-packages"
    with installing(site) as install:
        install("zoo-toy", TOY)
        alone = run(folder / "alone", "honest")
        for villain in VILLAINS:
            install(villain.distribution, villain.code)
        names = [villain.name for villain in VILLAINS]
        qualified = {name: f"zoo-{name}/{name}" for name in names}
        rows = run(folder / "crowd", *qualified.values(), "honest")
        yield folder / "crowd", {name.split("/")[-1]: row for name, row in rows.items()}, alone


def test_every_villain_gets_its_row(crowd: tuple[Path, Rows, Rows]) -> None:
    """Status, reason and flags say of each what it did; what failed has no scores."""
    _, rows, _ = crowd
    for villain in VILLAINS:
        row = rows[villain.name]
        assert (row["status"], row["flags"]) == (villain.status, list(villain.flags)), row
        assert villain.reason in row["reason"]
        assert row["reason"].isprintable()
        assert bool(row["values"]) == (villain.status == "ok")


def test_the_honest_score_as_if_they_were_alone(crowd: tuple[Path, Rows, Rows]) -> None:
    """Every figure but times is the same, byte for byte."""
    _, rows, alone = crowd
    names = ("values", "replicates", "without", "floors", "status", "flags", "key")
    one, other = ({name: row["honest"][name] for name in names} for row in (rows, alone))
    assert json.dumps(one) == json.dumps(other)


def test_logs_say_what_happened_and_end(crowd: tuple[Path, Rows, Rows]) -> None:
    """No log outgrows its limit by more than a note; who hung or crashed left its stack."""
    folder, rows, _ = crowd
    logs = {path.stem: path for path in (folder / "logs").iterdir()}
    assert max(path.stat().st_size for path in logs.values()) < LOG_BYTES + 10_000

    def log(name: str, stage: str) -> str:
        (path,) = (p for p in logs.values() if str(p) in rows[name]["reason"])
        assert path.name.startswith(stage)
        return path.read_text(encoding="utf-8")

    assert "[zoo] timeout: stopped after 20 s" in log("stubborn", "train")
    assert "in loss" in log("stubborn", "train")
    assert "Segmentation fault" in log("breaks", "train")
    assert "output beyond 10,000,000 bytes is dropped" in log("deafening", "sample")
    assert "in draw" in log("deafening", "sample")[-20_000:]


def test_nothing_is_left_running(crowd: tuple[Path, Rows, Rows]) -> None:
    """What a plugin has started ends with it, also when it ends itself."""
    folder, _, _ = crowd
    ours = os.fsencode(folder.parent)  # other runs of these tests have an orphan of their own
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes())
        except OSError:
            continue
    assert commands
    assert not [text for text in commands if b"time.sleep(600)" in text and ours in text]


def test_nothing_half_made_is_left(crowd: tuple[Path, Rows, Rows]) -> None:
    """Every result is whole, and no workplace or scratch folder remains."""
    folder, _, _ = crowd
    store = Store(folder)
    for path in folder.glob("*/*/result.json"):
        store.check(path.parent.parent.name, path.parent.name)
    assert not list((folder / "unfinished").iterdir())
    assert not list((folder / "claims").iterdir())
