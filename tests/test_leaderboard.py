"""Laws of the leaderboard: a pure function of rows in which no failure can win."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from zoo.board.leaderboard import COLUMNS, leaderboard, read_csv, to_csv
from zoo.board.tables import render

FLOOR = {"mean": 0.02, "low": 0.01, "high": 0.04}


def row(model: str, seed: int, rg_w1: float | None, **changes: Any) -> dict[str, Any]:
    """A row such as the harness writes; without a value it is a failed one."""
    found: dict[str, Any] = {
        "schema": 1,
        "model": model,
        "sampler": "direct",
        "dataset": "bead-spring",
        "seed": seed,
        "reference": False,
        "status": "ok" if rg_w1 is not None else "crashed",
        "reason": "" if rg_w1 is not None else "its process ended with signal 9",
        "values": {} if rg_w1 is None else {"rg_w1": rg_w1, "bond_w1": 0.01, "ree_w1": 0.1},
        "faults": {},
        "floors": {"rg_w1": FLOOR, "bond_w1": FLOOR, "ree_w1": FLOOR},
        "nfe": 1.0,
        "parameters": 250_000,
        "epochs": 100,
        "train_seconds": 10.0 + seed,
        "sample_seconds": 1.0,
        "times": {"cpu": {"batch_seconds": [0.002, 0.001, 0.003], "single_seconds": [1e-4] * 3}},
        "settings": {"preset": "standard", "seeds": 3, "draws": 10_000, "batch": 1_000},
        "made_by": {
            "model": {"plugin": "polymer-zoo/m", "version": "0.1", "source": "ab" * 32},
            "sampler": {"plugin": "polymer-zoo/s", "version": "0.1", "source": "cd" * 32},
            "dataset": {"plugin": "polymer-zoo/d", "version": "0.1", "source": "ef" * 32},
            "data_sha256": "01" * 32,
            "code": "12",
            "trained_on": "test, 2 cores",
            "device": "cpu",
            "timing_threads": 2,
            "machine": {
                "cpu": "test", "cores": 2, "gpu": "", "torch": "2.10", "zoo": "0.1", "commit": "",
            },
        },
        "keys": {},
        "measured": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    return found | changes


def seeds(model: str, mean: float) -> list[dict[str, Any]]:
    """Three rows of a line whose seeds differ by a thousandth."""
    return [row(model, seed, mean * factor) for seed, factor in enumerate([0.999, 1.0, 1.001])]


def test_best_mean_comes_first_and_references_stand_apart() -> None:
    """Lines of one rank are ordered by the mean over seeds; a reference has none, however good."""
    rows = [
        *(row("b", seed, value) for seed, value in enumerate([0.1, 0.2, 0.3])),
        *(row("a", seed, value) for seed, value in enumerate([0.5, 0.01, 0.01])),
        *(row("perfect", seed, 0.0, reference=True) for seed in range(3)),
    ]
    frame = leaderboard(rows)
    assert frame["model"].tolist() == ["a", "b", "perfect"]
    assert frame["rank"].tolist()[:2] == [1, 1]
    assert frame["rank"].isna().tolist() == [False, False, True]
    assert frame["rg_w1"].tolist() == pytest.approx([0.52 / 3, 0.2, 0.0])
    assert frame["rg_w1_ratio"].tolist() == pytest.approx([0.52 / 3 / 0.02, 10.0, 0.0])


@pytest.mark.parametrize("status", ["crashed", "invalid"])
def test_a_failed_seed_costs_the_rank(status: str) -> None:
    """A line of which one seed failed shows no mean of the survivors, and never wins.

    Not even if the failed job left a value behind.
    """
    failed = row("lucky", 1, 0.0, status=status, reason="rg_w1: the value is nan")
    frame = leaderboard([row("lucky", 0, 0.001), failed, row("solid", 0, 0.9)])
    assert frame["model"].tolist() == ["solid", "lucky"]
    lucky = frame.iloc[1]
    assert lucky["status"] == failed["status"]
    assert lucky["seeds"] == 1
    assert math.isnan(lucky["rg_w1"])
    assert frame["rank"].isna().tolist() == [False, True]
    assert lucky["reason"].startswith("1 of 2 seeds: ")


def test_order_of_rows_does_not_matter() -> None:
    """The board is a function of the set of rows, ties included."""
    rows = [row("a", 0, 0.1), row("b", 0, 0.1), row("c", 0, None), row("a", 1, 0.3)]
    boards = {to_csv(leaderboard(order)) for order in itertools.permutations(rows)}
    assert len(boards) == 1


def test_newest_row_of_a_seed_counts() -> None:
    """A failure that was repeated with success is forgotten, and so is an older number."""
    old = row("a", 0, None)
    new = row("a", 0, 0.2, measured="2026-01-02T00:00:00+00:00")
    for order in ([old, new], [new, old]):
        frame = leaderboard(order)
        assert frame["status"].tolist() == ["ok"]
        assert frame["rg_w1"].tolist() == [0.2]


def test_the_code_that_ran_last_makes_the_line() -> None:
    """Also if it had run before another, and whatever the order of the rows."""
    rows = [row("a", seed, 0.1 * (day + 1), measured=f"2026-01-0{day + 1}") for seed in (0, 1)
            for day in range(3)]  # fmt: skip
    for one, code in zip(rows, "xyxyyx", strict=True):
        one["made_by"] = one["made_by"] | {"code": code}
    for order in (rows, rows[::-1]):
        (line,) = leaderboard(order).to_dict("records")
        assert (line["seeds"], line["rg_w1_seeds"]) == (2, "0.3 0.3")


def test_each_board_has_ranks_of_its_own() -> None:
    """Lines of another preset neither take ranks nor come between."""
    quick = [*seeds("q", 0.01), *seeds("r", 0.5)]
    for one in quick:
        one["settings"] = one["settings"] | {"preset": "quick"}
    frame = leaderboard([*seeds("a", 0.1), *quick, *seeds("b", 0.2)])
    assert frame["model"].tolist() == ["q", "r", "a", "b"]
    assert frame["rank"].tolist() == [1, 2, 1, 2]


def test_other_numbers_of_trainings_are_other_boards() -> None:
    """One seed against three is no fair comparison: their ranks are counted apart."""
    frame = leaderboard([*seeds("a", 0.1), *seeds("b", 0.2), row("c", 0, 0.3)])
    assert dict(zip(frame["model"], frame["rank"], strict=True)) == {"a": 1, "b": 2, "c": 1}


def test_lines_that_cannot_be_told_apart_share_a_rank() -> None:
    """Two lines whose seeds overlap are first together; the next is third."""
    near = [row("near", seed, value) for seed, value in enumerate([0.101, 0.105, 0.1])]
    frame = leaderboard([*seeds("far", 0.3), *seeds("best", 0.1), *near])
    assert frame["model"].tolist() == ["best", "near", "far"]
    assert frame["rank"].tolist() == [1, 1, 3]


def test_a_metric_cannot_take_a_columns_name() -> None:
    """A stranger's metric called `status` or `nfe` changes neither."""
    found = row("a", 0, 0.1)
    found["values"] = found["values"] | {"status": 3.0, "nfe": 99.0}
    line = leaderboard([found]).iloc[0]
    assert line["status"] == "ok"
    assert line["nfe"] == 1.0


def test_flags_say_what_the_floor_and_the_training_set_say() -> None:
    """An interval that meets the floor's band is indistinguishable; near copies are called so."""
    good = row("good", 0, 0.03)
    copier = row("copier", 0, 0.03)
    copier["values"] = copier["values"] | {"memorization": 0.1}
    far = row("far", 0, 0.05)
    flags = leaderboard([good, copier, far]).set_index("model")["flags"]
    assert flags["good"] == "indistinguishable"
    assert flags["copier"] == "indistinguishable copies"
    assert flags["far"] == ""


def test_too_good_to_be_true_is_said() -> None:
    """Below the floor's band is no praise, and a density that beats the truth is none."""
    fine, leaky = seeds("fine", 0.02), seeds("leaky", 0.001)
    forged = [
        one | {"values": one["values"] | {"kl": value}}
        for one, value in zip(seeds("forged", 0.2), [-9.0, -9.1, -9.2], strict=True)
    ]
    flags = leaderboard([*fine, *leaky, *forged]).set_index("model")["flags"]
    assert flags.to_dict() == {
        "fine": "indistinguishable",
        "leaky": "below-floor",
        "forged": "unnormalised",
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_neither_wins_nor_ties(value: float) -> None:
    """A row that claims to be fine and has no finite headline is invalid, alone and in company."""
    broken = [one | {"values": one["values"] | {"rg_w1": value}} for one in seeds("broken", 0.1)]
    for rows in (broken, [*broken, *seeds("good", 0.2)]):
        frame = leaderboard(rows)
        line = frame[frame["model"] == "broken"]
        assert line["status"].tolist() == ["invalid"]
        assert line[["rank", "rg_w1"]].isna().all(axis=None)
    partly = [*broken[:1], *seeds("broken", 0.1)[1:]]
    assert leaderboard(partly)["reason"][0] == f"1 of 3 seeds: rg_w1 is {value}"


def test_lines_of_an_older_schema_stand_on_a_board_of_their_own() -> None:
    """What counted otherwise moves no rank."""
    old = [one | {"schema": 0} for one in seeds("old", 0.1)]
    frame = leaderboard([*old, *seeds("a", 0.2), *seeds("b", 0.3)])
    assert frame["rank"].tolist() == [1, 1, 2]


def test_times_are_medians_per_conformation_and_missing_ones_stay_missing(tmp_path: Path) -> None:
    """Microseconds per sample are the median of rounds over the batch; no GPU is no number."""
    frame = leaderboard([row("a", 0, 0.1)])
    assert frame["cpu_us_per_sample"].tolist() == pytest.approx([2.0])
    path = tmp_path / "leaderboard.csv"
    path.write_text(to_csv(frame), encoding="utf-8")
    assert math.isnan(read_csv(path)["cuda_us_per_sample"][0])
    assert "CUDA" in render(frame, "table")


def test_times_of_another_run_are_marked() -> None:
    """Lines that were not timed in turn with the last ones of their board stand apart."""

    def timed(model: str, alongside: str, measured: str) -> list[dict[str, Any]]:
        times = {"batch_seconds": [0.002] * 7, "alongside": alongside, "measured": measured}
        return [one | {"times": {"cpu": times}} for one in seeds(model, 0.1)]

    rows = [*timed("a", "one", "2026-01-01"), *timed("b", "two", "2026-01-02")]
    frame = leaderboard([*rows, *timed("c", "two", "2026-01-02")]).set_index("model")
    assert frame["cpu_clock"].to_dict() == {"a": "apart", "b": "", "c": ""}
    assert "apart" in render(frame.reset_index(), "table")


def test_csv_has_the_promised_columns_and_survives_a_round_trip(tmp_path: Path) -> None:
    """The file starts with the documented columns, and names that look missing stay names."""
    frame = leaderboard([*seeds("null", 0.125), *seeds("nan", 0.25)])
    path = tmp_path / "leaderboard.csv"
    path.write_text(to_csv(frame), encoding="utf-8")
    back = read_csv(path)
    assert back.columns.tolist()[: len(COLUMNS)] == list(COLUMNS)
    assert back["model"].tolist() == ["null", "nan"]
    assert back["rg_w1"].tolist() == pytest.approx([0.125, 0.25], rel=1e-3)
    assert back["rank"].tolist() == [1, 2]
    assert set(back["torch"]) == {"2.10"}  # a version, and no number
    assert render(back, "md") == render(frame, "md")


def test_markdown_holds_hostile_text_as_text() -> None:
    """A reason can neither break the table nor become HTML, a link or a picture."""
    frame = leaderboard([row("a", 0, None, reason="<img src=x> | pipe\nnewline")])
    linked = leaderboard([row("a", 0, None, reason="![x](http://x) [y](http://y)")])
    assert "!\\[x]\\(http://x) [y]\\(http://y)" in render(linked, "md")
    lines = render(frame, "md").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4  # headings, rule, floor, the line
    assert "&lt;img src=x&gt; \\| pipe newline" in table[-1]


def test_json_holds_every_column() -> None:
    """JSON is the whole frame, with null for what is missing."""
    frame = leaderboard([row("a", 0, 0.1)])
    (record,) = json.loads(render(frame, "json"))
    assert set(record) == set(frame.columns)
    assert record["cuda_us_per_sample"] is None


def test_json_is_what_the_library_writes() -> None:
    """Indented by one, with whatever letters there are, to the last byte."""
    reason = 'x\n"y" \\ ü {},: [1]\u2028'
    text = render(leaderboard([row("ä", 0, 0.1), row("b", 0, None, reason=reason)]), "json")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    assert render(leaderboard([]), "json") == "[]\n"


def test_no_rows_make_an_empty_board() -> None:
    """Nothing kept is an empty table, not an error."""
    assert leaderboard([]).empty
    assert list(leaderboard([]).columns) == list(COLUMNS)


def test_a_stated_time_has_no_interval_and_moves_no_other() -> None:
    """Somebody's word gives a time in µs and the doubt `stated`; who was timed is not `apart`."""
    clock = {"batch_seconds": [0.001] * 7, "measured": "1", "alongside": "here"}
    timed = [row("a", 0, 0.1) | {"times": {"cpu": clock}}]
    claimed = [row("b", 0, 0.2) | {"times": {"cpu": {"stated_seconds": 2e-5, "measured": "2"}}}]
    claimed[0]["settings"] = {**claimed[0]["settings"], "draws": 2_000}
    board = leaderboard([*timed, *claimed])
    lines = board.set_index("model").to_dict("index")
    assert lines["b"]["cpu_us_per_sample"] == pytest.approx(20)
    assert math.isnan(float(str(lines["b"]["cpu_us_low"])))
    assert (lines["a"]["cpu_clock"], lines["b"]["cpu_clock"]) == ("", "stated")
    assert "of 2,000 or 10,000 conformations each" in render(board, "table")
