"""Laws of a dry run: it counts what a run would make, finds what is kept, and says how long."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Install
from tests.test_leaderboard import row
from tests.test_run import TINY, TOY
from zoo.cli import main
from zoo.cli.expected import how_long, what_is_kept
from zoo.harness.forecast import Forecast, look_ahead
from zoo.harness.machine import describe
from zoo.harness.plan import Plan, make_plans
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import installed
from zoo.registry.factories import Place, hash_place

SETTINGS = replace(TINY, seeds=2, timing_rounds=0)
STAGES = ("train", "density", "sample", "score")


@pytest.fixture
def plans(install: Install) -> list[Plan]:
    """A model, one with a density and one that fails, on two datasets."""
    install("zoo-toy", TOY)
    models = ["honest", "gaussian", "raises"]
    return make_plans(installed(), models, None, ["walks[n=200|300]"], SETTINGS)


def made_in(root: Path) -> dict[str, int]:
    """Results in a folder, by stage."""
    return {stage: len(list((root / stage).glob("*"))) for stage in STAGES}


def test_what_is_missing_is_what_a_run_makes(plans: list[Plan], tmp_path: Path) -> None:
    """All of it before, nothing but what failed after; in between what is left of it."""
    root = tmp_path / "results"
    before = look_ahead(plans, root, "cpu")
    assert not before.kept
    assert before.missing == {"train": 12, "density": 4, "sample": 12, "score": 12}
    Run(plans[0], Store(root).open(), "cpu", describe(), jobs=2).execute()
    between = look_ahead(plans, root, "cpu")
    assert dict(between.kept) == made_in(root)
    assert Counter(between.kept) + Counter(between.missing) == before.missing
    Run(plans[1], Store(root).open(), "cpu", describe(), jobs=2).execute()
    after = look_ahead(plans, root, "cpu")
    assert dict(after.kept) == made_in(root)
    assert after.missing == {"train": 4, "sample": 4, "score": 4}
    assert after.unknown == ("raises",)
    assert not look_ahead(plans, root, "cuda").kept


def test_what_was_built_on_something_missing_is_missing_too(
    plans: list[Plan], tmp_path: Path
) -> None:
    """A score without its drawing, a drawing without its training: a run makes them again."""
    Run(plans[0], Store(tmp_path).open(), "cpu", describe(), jobs=2).execute()
    whole = Counter(look_ahead(plans[:1], tmp_path, "cpu").missing)

    def lost() -> dict[str, int]:
        return dict(Counter(look_ahead(plans[:1], tmp_path, "cpu").missing) - whole)

    shutil.rmtree(next((tmp_path / "score").iterdir()))
    assert lost() == {"score": 1}
    shutil.rmtree(tmp_path / "density")
    assert lost()["density"] == 2
    assert lost()["score"] in (2, 3)  # those of the density, and perhaps the one before
    shutil.rmtree(tmp_path / "train")
    assert lost() == {"train": 4, "density": 2, "sample": 4, "score": 4}


@pytest.fixture
def earlier(tmp_path: Path) -> Callable[..., None]:
    """Keep a row of a model, and how long its stages took in seconds."""
    store = Store(tmp_path).open()

    def keep(model: str, seed: int, train: float, sample: float, dataset: str = "walks") -> None:
        key = f"{model}{seed}{dataset}"
        for stage, seconds in (("train", train), ("sample", sample), ("score", 1.0)):
            store.keep(stage, key, store.scratch(), {"stage_seconds": seconds})
        made = row(model, seed, 0.1, dataset=dataset, epochs=10)
        made["settings"] |= {"epochs": 10, "own_epochs": True, "draws": 100}
        made["made_by"]["keys"] = dict.fromkeys(("train", "sample", "score"), key)
        store.keep_row(key, made)

    return keep


def seconds(models: list[str], root: Path, dataset: str = "walks") -> Forecast:
    """What one training, one drawing and one score of each are expected to take."""
    settings = replace(TINY, epochs=40, draws=200)
    return look_ahead(make_plans(installed(), models, None, [dataset], settings), root, "cpu")


def test_times_are_medians_of_the_likest_rows_at_this_budget(
    install: Install, tmp_path: Path, earlier: Callable[..., None]
) -> None:
    """Four times the epochs, twice the draws; of the same data and options where there are any."""
    install("zoo-toy", TOY)
    assert seconds(["honest"], tmp_path) == Forecast(
        {}, {"train": 1, "sample": 1, "score": 1}, 0.0, ("honest",), 0
    )
    for seed, train in enumerate((5.0, 7.0, 1000.0)):
        earlier("honest", seed, train=train, sample=3.0)
    earlier("honest", 0, train=50.0, sample=30.0, dataset="walks[n=7]")
    earlier("honest[steps=9]", 0, train=500.0, sample=300.0)
    both = 2 * 1.0  # seconds of scoring, which grow with the draws
    assert seconds(["honest"], tmp_path).seconds == 4 * 7.0 + 2 * 3.0 + both
    assert seconds(["honest"], tmp_path, "walks[n=7]").seconds == 4 * 50.0 + 2 * 30.0 + both
    assert seconds(["honest[steps=9]"], tmp_path, "walks[n=8]").seconds == 2600.0 + both
    any_steps = 4 * 50.0 + 2 * 3.0 + both  # medians of all five
    assert seconds(["honest[steps=1]"], tmp_path).seconds == any_steps
    ahead = seconds(["honest", "raises", "nan"], tmp_path)
    assert ahead.unknown == ("nan", "raises")
    assert ahead.seconds == seconds(["honest"], tmp_path).seconds
    assert ahead.rows == 5


def test_what_cannot_be_read_says_nothing(
    install: Install, tmp_path: Path, earlier: Callable[..., None]
) -> None:
    """Half a row, half a record and a stray file cost their figures, not the dry run."""
    install("zoo-toy", TOY)
    earlier("honest", 0, train=5.0, sample=3.0)
    (tmp_path / "rows" / "half.json").write_text('{"sealed": true,')
    (tmp_path / "train" / "honest0walks" / "result.json").write_text("[]")
    ahead = seconds(["honest"], tmp_path)
    assert (ahead.rows, ahead.unknown, ahead.seconds) == (1, ("honest",), 2 * 3.0 + 2 * 1.0)


def test_a_sweep_reads_each_source_once(
    plans: list[Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many keys are asked for: what takes long does not grow with the grid."""
    Run(plans[0], Store(tmp_path).open(), "cpu", describe(), jobs=2).execute()
    read: list[Place] = []

    def noted(place: Place) -> str:
        read.append(place)
        return hash_place(place)

    monkeypatch.setattr("zoo.harness.identity.hash_place", noted)
    counts = []
    for many in (2, 30):
        names = [f"honest[steps={'|'.join(map(str, range(1, many + 1)))}]", "gaussian"]
        plan = make_plans(installed(), names, None, ["walks[n=200]"], SETTINGS)
        look_ahead(plan, tmp_path, "cpu")
        counts.append(len(read))
        assert len(set(map(str, read))) == len(read)
        read.clear()
    assert counts[0] == counts[1]


def test_a_dry_run_says_how_much_is_kept_and_how_long_the_rest_takes(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In sentences beside the table; the time is divided by what runs at a time."""
    ahead = Forecast({"train": 3}, {"train": 9, "sample": 12, "score": 12}, 7200.0, ("nan",), 9)
    assert what_is_kept(ahead, Path("here")) == (
        "12 trainings, 12 drawings, 12 scores; of these 3, 0, 0 are kept in here"
    )
    (second,) = how_long(ahead, 4)
    assert "about 30 min, 4 at a time and without clocks, going by 9 earlier rows" in second
    assert second.endswith("none says how long nan takes")
    assert not list(how_long(Forecast({"train": 1}, {}, 0.0, (), 9), 4))
    install("zoo-toy", TOY)
    words = ["honest", "walks", "--dry-run", "--preset", "quick", "--out", str(tmp_path / "none")]
    assert main(["run", *words]) == 0
    err = capsys.readouterr().err
    assert "in all 1 line: 1 training, 1 drawing, 1 score; of these 0, 0, 0 are kept" in err
    assert "how long it takes, no earlier row says" in err
    assert not (tmp_path / "none").exists()
