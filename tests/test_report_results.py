"""Laws of `zoo.load`: the folder's own numbers in tidy frames, and figures with their words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import zoo
from tests.results import HOSTILE, make_results
from zoo.errors import UsageError
from zoo.report.results import Results


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder."""
    return make_results(tmp_path_factory.mktemp("load") / "results", n=60)


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    """What is in it."""
    found: Results = zoo.load(folder)
    return found


def test_the_leaderboard_is_the_leaderboard(results: Results, folder: Path) -> None:
    """The same lines in the same order with the same numbers as `zoo.leaderboard`."""
    expected = zoo.leaderboard(folder).convert_dtypes()
    assert set(results.leaderboard["board"]) == {1}
    pd.testing.assert_frame_equal(results.leaderboard.drop(columns="board"), expected)


def test_scores_average_to_the_line(results: Results) -> None:
    """The mean over seeds of the tidy scores is what the line shows; failed lines have none."""
    means = results.scores.groupby(["model", "metric"])["value"].mean()
    for _, line in results.leaderboard.iterrows():
        if line["status"] == "ok":
            assert means[line["model"], "rg_w1"] == pytest.approx(line["rg_w1"])
            assert means[line["model"], "bond_w1"] == pytest.approx(0.01)
    assert "broken" not in set(results.scores["model"])
    assert set(results.scores["floor_low"]) == {0.01}


def test_losses_are_by_seed_and_epoch(results: Results) -> None:
    """Every training's curve is there once, epochs from 1."""
    near = results.losses[results.losses["model"] == "near"]
    assert near["epoch"].tolist() == [1, 2, 3, 1, 2, 3]
    assert near["seed"].tolist() == [0, 0, 0, 1, 1, 1]
    assert near["loss"].tolist() == [1.0, 0.5, 0.25] * 2


def test_conformations_are_all_seeds(results: Results) -> None:
    """As many as were drawn in all; what is not there is said, with a near name."""
    assert results.conformations("near", "direct").shape == (120, 12, 2)
    with pytest.raises(UsageError, match="Did you mean 'near · direct'"):
        results.conformations("naer", "direct")
    with pytest.raises(UsageError, match="no conformations of 'broken · direct' are kept"):
        results.conformations("broken", "direct")


def test_figures_and_boards_are_named(results: Results) -> None:
    """A figure knows its name; one that does not exist, and a board likewise, are refused."""
    assert results.figure("gallery").name == "gallery"
    with pytest.raises(UsageError, match=r"no figure 'gallry'. Did you mean 'gallery'"):
        results.figure("gallry")
    for number in (0, 2):
        with pytest.raises(UsageError, match=f"there is no board {number}. The folder holds: 1 "):
            results.figure("rg", board=number)


def test_a_notebook_shows_text_only(results: Results) -> None:
    """What a notebook is given has the table and the picture, and no markup of a model's name."""
    shown = results._repr_html_() + results.figure("training")._repr_html_()
    assert "<table" in shown
    assert 'src="data:image/svg+xml;base64,' in shown
    assert HOSTILE[:10] not in shown
    assert "&lt;img src=//evil" in shown
