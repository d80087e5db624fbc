"""Laws of the report's figures: what they show is what was drawn, and chance has its band."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from tests.results import make_results
from tests.test_leaderboard import row
from zoo.harness.store import Store
from zoo.polymer import closest_contact, radius_of_gyration
from zoo.polymer.chain import Chain
from zoo.report import FIGURE_FORMATS, FIGURE_NAMES
from zoo.report.chains import overlapping
from zoo.report.curves import losses
from zoo.report.figures import draw
from zoo.report.gallery import gallery
from zoo.report.histograms import histogram, histograms, put_in_bins
from zoo.report.records import Board, read_boards
from zoo.report.scatter import plot_scatter, points
from zoo.report.style import DARK, themed, write_figure

NUMBERS = Path(zoo.__file__).parent.parent / "docs" / "numbers.md"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A small board with everything kept."""
    root = make_results(tmp_path_factory.mktemp("report") / "results")
    (found,) = read_boards(root, lambda _label: Chain().energy)
    return found


def rg(n: int, seed: int, stretch: float = 1.0) -> torch.Tensor:
    """Radii of gyration of true chains, stretched by a factor."""
    return stretch * radius_of_gyration(Chain().sample(n, torch.Generator().manual_seed(seed)))


def test_the_band_holds_what_perfect_models_draw() -> None:
    """Of bins of fresh truth 95% lie within, for few and many draws; of a wrong model fewer."""
    truth = put_in_bins(rg(20_000, 0), 20_000)

    def inside(n: int, stretch: float) -> float:
        found = []
        for seed in range(1, 9):
            one = histogram(rg(n, seed, stretch), truth)
            common = one.truth > 0.1 * one.truth.max()
            found.append(((one.drawn >= one.low) & (one.drawn <= one.high))[common].mean())
        return float(sum(found) / len(found))

    assert 0.9 <= inside(300, 1.0) <= 0.99
    assert 0.9 <= inside(5000, 1.0) <= 0.99
    assert inside(5000, 1.05) < 0.5


def test_a_histogram_is_a_density() -> None:
    """Bars times widths sum to what is not outside, and bins lie where the values are."""
    x = rg(2000, 3)
    one = histogram(1.2 * x, put_in_bins(x, 2000))
    width = one.edges[1] - one.edges[0]
    within = ((1.2 * x >= one.edges[0]) & (1.2 * x <= one.edges[-1])).double().mean()
    assert one.outside == pytest.approx(1 - float(within))
    assert float((one.drawn * width).sum()) == pytest.approx(1 - one.outside)
    assert float((one.truth * width).sum()) == pytest.approx(1.0, abs=2e-3)


def test_one_value_alone_has_bins() -> None:
    """Truth without any spread, such as rigid bonds, still makes a histogram."""
    one = histogram(torch.ones(10), put_in_bins(torch.ones(50), 50))
    assert one.outside == 0
    assert math.isfinite(float(one.drawn.max()))


def test_each_line_is_drawn_from_its_own_conformations(board: Board) -> None:
    """Histograms, gallery and losses are of the line they bear the name of."""
    found = {entry.line["model"]: one for entry, one in histograms(board, "rg")}
    assert list(found) == [e.line["model"] for e in board.entries if e.part != "failed"]
    mean = {
        name: (one.drawn * one.edges[1:]).sum() / one.drawn.sum() for name, one in found.items()
    }
    assert mean["far"] / mean["near"] > 1.05
    shown = dict(gallery(board))
    near = next(entry for entry in board.entries if entry.line["model"] == "near")
    assert near.drawn is not None
    torch.testing.assert_close(
        radius_of_gyration(shown["near · direct"]), radius_of_gyration(near.drawn[:6])
    )
    assert losses(board)["near"] == dict.fromkeys((0, 1), (1.0, 0.5, 0.25))


def test_the_front_is_what_nothing_beats(board: Board) -> None:
    """Walking up the times, the front is wherever the least distance so far falls; no reference."""
    found = points(board, "cpu_us_per_sample")
    best, front = math.inf, []
    for point in sorted(found, key=lambda p: (p.cost, p.distance)):
        if point.entry.part == "ranked" and point.distance < best:
            best = point.distance
            front.append(point.entry.name)
    assert {p.entry.name for p in found if p.front} == set(front)
    assert front == ["far · direct", "near · direct"]
    assert "broken · direct" not in {p.entry.name for p in found}


def test_overlaps_are_those_that_the_metric_counts() -> None:
    """A chain has an overlapping bead exactly if its closest contact is below 0.8 σ."""
    x = torch.randn(300, 5, 3, generator=torch.Generator().manual_seed(0))
    marked = torch.stack([overlapping(chain).any() for chain in x])
    assert torch.equal(marked, closest_contact(x) < 0.8)
    assert 0 < marked.sum() < 300


def walks_of_near(root: Path) -> Board:
    """A board of one model, walked with few steps and with many."""
    store = Store(root).open()
    for steps in (5, 50):
        line = row("near", 0, 1 / steps, sampler=f"ddim[steps={steps}]", nfe=float(steps))
        store.keep_row(f"k{steps}", line | {"key": f"k{steps}"})
    (board,) = read_boards(root)
    return board


@pytest.mark.parametrize("name", FIGURE_NAMES)
def test_every_figure_comes_with_words_and_in_every_format(
    name: str, board: Board, tmp_path: Path
) -> None:
    """SVG, PNG and PDF, the same bytes twice; a sentence on it, and words in place of it."""
    if name == "calls":
        board = walks_of_near(tmp_path)
    picture = draw(board, name)
    again = draw(board, name)
    assert picture is not None
    assert again is not None
    assert picture.name == name
    assert "near" in picture.alt
    assert picture.caption.endswith(".")
    assert f"\n## {picture.section}\n" in NUMBERS.read_text(encoding="utf-8")
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    for form in FIGURE_FORMATS:
        data = write_figure(picture.figure, form)
        assert data.startswith(begins[form])
        assert data == write_figure(again.figure, form)


def test_without_anything_kept_there_is_no_figure(tmp_path: Path) -> None:
    """Rows alone have costs to show, and nothing else is made up."""
    store = Store(tmp_path).open()
    store.keep_row("k", row("vae", 0, 0.1, nfe=None) | {"key": "k"})
    (board,) = read_boards(tmp_path)
    drawn = [name for name in FIGURE_NAMES if draw(board, name)]
    assert drawn == ["fidelity"]


def test_names_are_no_mathematics_and_no_markup(tmp_path: Path) -> None:
    """Dollar signs, brackets and ampersands are drawn as they are."""
    store = Store(tmp_path).open()
    store.keep_row("k", row("$x^2$<b>&", 0, 0.1) | {"key": "k"})
    (board,) = read_boards(tmp_path)
    svg = write_figure(plot_scatter(board, ["cpu_us_per_sample"]), "svg").decode()
    assert "$x^2$&lt;b&gt;&amp; · direct" in svg


def test_many_lines_get_letters_and_a_key(tmp_path: Path) -> None:
    """With more lines than names have room, every line still has its own sign and its name."""
    store = Store(tmp_path).open()
    for number in range(30):
        made = row(f"m{number}", 0, 0.05 * 1.1**number) | {"key": f"k{number}"}
        made["times"] = {"cpu": {"batch_seconds": [1e-3 * (30 - number)] * 3}}
        made["times"]["cpu"]["single_seconds"] = [1e-3] * 3
        store.keep_row(f"k{number:02}", made)
    (board,) = read_boards(tmp_path)
    svg = write_figure(plot_scatter(board, ["cpu_us_per_sample"]), "svg").decode()
    said = re.findall(r">([^<>]+)</text>", svg)
    names = [text for text in said if " · direct" in text]
    assert len(names) == 30
    assert {said.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"} == {2}


def test_labels_do_not_cover_one_another(board: Board) -> None:
    """In the figure as it is drawn, no two names of points overlap."""
    figure = plot_scatter(board, ["cpu_us_per_sample"])
    figure.draw_without_rendering()
    (panel,) = figure.axes
    boxes: list[Any] = [text.get_window_extent() for text in panel.texts if "·" in text.get_text()]
    assert len(boxes) == 5
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(a.overlaps(b) for a, b in pairs)


def test_a_themed_picture_has_no_fixed_color_of_ours(board: Board) -> None:
    """Every colour of the light theme is a variable, which has a value in either theme."""
    picture = draw(board, "gallery")
    assert picture is not None
    svg = write_figure(picture.figure, "svg", paper="none").decode()
    used = {color for color in DARK if f": {color}" in svg}
    light, _, rest = themed(svg).partition("</style>")
    assert used
    for number, (color, dark) in enumerate(DARK.items()):
        assert f": {color}" not in rest
        assert (f"var(--c{number})" in rest) == (color in used)
        assert f"--c{number}:{color};" in light
        assert f"--c{number}:{dark};" in light.partition("@media(prefers-color-scheme:dark)")[2]
