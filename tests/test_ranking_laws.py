"""Laws of ranking, over random boards: an order of all that have a number, and of nothing else."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_leaderboard import row
from zoo.board.leaderboard import leaderboard
from zoo.board.lines import HUGE

Rows = list[dict[str, Any]]

VALUES = st.one_of(
    st.floats(0.01, 10.0),
    st.sampled_from([0.5, 0.5000001, math.nan, math.inf, -math.inf, -1.0, 0.0, 1e308]),
    st.none(),
)
STATUSES = st.sampled_from(["ok", "ok", "ok", "error", "timeout", "interrupted"])


@st.composite
def boards(draw: st.DrawFn) -> Rows:
    """Rows of up to seven lines of two seeds, with numbers, no numbers, and failures."""
    rows = []
    for line in range(draw(st.integers(1, 7))):
        for seed in (0, 1):
            value = draw(VALUES)
            status = draw(STATUSES) if value is not None else "error"
            rows.append(row(f"m{line}", seed, value, status=status))
    return rows


def is_whole(rows: Rows, model: str) -> bool:
    """Whether every seed of a model ended well with a number, by its rows alone."""
    own = [one for one in rows if one["model"] == model]
    values = [one["values"].get("rg_w1") for one in own]
    return all(one["status"] == "ok" for one in own) and all(
        value is not None and abs(value) < HUGE for value in values
    )


@settings(deadline=None)
@given(boards())
def test_only_numbers_have_a_rank_and_all_of_them(rows: Rows) -> None:
    """NaN, infinity, a missing value or a failure in any seed costs the rank, nothing else does."""
    frame = leaderboard(rows).set_index("model")
    for model in frame.index:
        assert bool(frame["rank"].notna()[model]) == is_whole(rows, model)
        assert (frame["status"][model] == "ok") == is_whole(rows, model)


@settings(deadline=None)
@given(boards())
def test_ranks_follow_the_means(rows: Rows) -> None:
    """Ranked lines come first, by rank and mean; the first rank is 1; a better mean is no worse."""
    frame = leaderboard(rows)
    ranked = frame[frame["rank"].notna()]
    assert ranked.index.tolist() == list(range(len(ranked)))
    lines = list(zip(ranked["rank"].astype(int), ranked["rg_w1"], strict=True))
    assert lines == sorted(lines)
    assert [rank for rank, _ in lines[:1]] == [1] * bool(lines)
    for place, ((rank, mean), (after, other)) in enumerate(pairwise(lines), start=1):
        assert after in (rank, *range(rank, place + 1), place + 1)
        if mean == other:
            assert rank == after


@settings(deadline=None)
@given(boards(), st.randoms(use_true_random=False))
def test_the_board_is_a_function_of_the_set_of_rows(rows: Rows, chance: Any) -> None:
    """Neither their order nor a row that stands twice changes anything."""
    shuffled = [*rows, rows[0]]
    chance.shuffle(shuffled)
    assert leaderboard(shuffled).to_csv() == leaderboard(rows).to_csv()


@settings(deadline=None)
@given(boards())
def test_what_has_no_number_moves_no_rank(rows: Rows) -> None:
    """The ranks of all others are the same without the lines that have none."""
    whole = [one for one in rows if is_whole(rows, one["model"])]
    frame, alone = leaderboard(rows).set_index("model"), leaderboard(whole)
    if len(alone):
        expected = alone.set_index("model")["rank"]
        assert frame["rank"][expected.index].tolist() == expected.tolist()
