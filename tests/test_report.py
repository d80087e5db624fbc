"""Laws of the report's page: the board's own numbers, nothing from elsewhere, and only text."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from tests.results import HOSTILE, make_results
from tests.test_leaderboard import row
from zoo import leaderboard
from zoo.board.provenance import command
from zoo.board.tables import render as render_board
from zoo.harness.stages import DATA_FILE, REPLICAS_FILE
from zoo.harness.store import Store
from zoo.polymer.chain import Chain
from zoo.report.page import render
from zoo.report.records import Board, read_boards
from zoo.wording import printable

VOID = {"meta", "link", "input", "img"}


class Document(HTMLParser):
    """The elements of a page, and the text of the cells of its first table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.tables = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count an element in."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        self.tables += tag == "table"
        if self.tables == 1 and tag == "tr":
            self.rows.append([])
        if self.tables == 1 and tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Every element ends where it should."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text goes to its cell."""
        self.words.append(data)
        if self.tables == 1 and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder."""
    return make_results(tmp_path_factory.mktemp("report") / "results")


@pytest.fixture(scope="module")
def board(results: Path) -> Board:
    """The board in it."""
    (found,) = read_boards(results, lambda _label: Chain().energy)
    return found


@pytest.fixture(scope="module")
def page(board: Board) -> str:
    """Its page."""
    return render([board], "some results")


def test_the_table_is_the_boards(results: Path, page: str) -> None:
    """Cell by cell what `zoo leaderboard --format md` prints, but for = at shared ranks."""
    text = render_board(leaderboard(results), "md")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    expected = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    del expected[1]
    cuda = expected[0].index("CUDA [µs/sample]")
    shown = [cells for cells in Document(page).rows if len(cells) > 1]
    assert len(shown) == len(expected)
    for ours, theirs in zip(shown, expected, strict=True):
        del theirs[cuda]  # a column in which nothing was timed is left out
        ours[0] = ours[0].removesuffix(" =")
        for cell, other in zip(ours[:-1], theirs[:-1], strict=True):
            plain = other.replace("&lt;", "<").replace("&gt;", ">")
            assert cell == printable(plain)


def test_shared_ranks_are_marked(page: str) -> None:
    """Two lines that cannot be told apart have = behind their rank, others have not."""
    ranks = [cells[0] for cells in Document(page).rows[2:] if len(cells) > 1]
    assert ranks == ["1 =", "1 =", "3", "4", "", ""]


def test_what_is_sorted_by_is_the_value(results: Path, page: str) -> None:
    """The number behind each headline cell is the board's, not the rounded one that is seen."""
    found = re.findall(r'data-value="([^"]*)">[\d.,–]+</td>\s*<td class="number" data', page)
    values = leaderboard(results)["rg_w1"].dropna()
    assert all(any(abs(float(x) - value) < 1e-12 for x in found if x) for value in values)


def test_cards_have_command_plugin_and_reason(board: Board, page: str) -> None:
    """Of each line the command that makes it again, who brought it, and why it failed."""
    words = "".join(Document(page).words)
    for entry in board.entries:
        assert printable(command(entry.rows[0], [0, 1], "some results")) in words
        assert printable(entry.rows[0]["made_by"]["model"]["plugin"]) in words
    assert f"crashed: 2 of 2 seeds: loss is NaN {printable(HOSTILE)}" in words


def test_nothing_comes_from_elsewhere(page: str) -> None:
    """Addresses lead into the page or are data; pictures hold no script, link or address."""
    document = Document(page)
    assert document.open == []
    for tag, attributes in document.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = attributes.get(name)
            if address is not None:
                assert address.startswith(("#", "data:")), (tag, name)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert "url(" not in page
    assert "@import" not in page
    for picture in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page):
        svg = b64decode(picture).decode()
        assert "<script" not in svg
        assert "<image" not in svg
        assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', svg))


def test_links_lead_somewhere(page: str) -> None:
    """Every link's target is on the page, once."""
    elements = [attributes for _, attributes in Document(page).elements]
    names = [attributes["id"] for attributes in elements if "id" in attributes]
    links = [str(a["href"])[1:] for a in elements if str(a.get("href", "")).startswith("#")]
    assert len(names) == len(set(names))
    assert set(links) <= set(names)
    assert len(links) > 10


def test_the_policy_names_our_script_and_style_only(page: str) -> None:
    """The hashes in the policy are those of what is there, and all else is forbidden."""
    policy = next(a["content"] for t, a in Document(page).elements if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_hostile_names_are_text(page: str) -> None:
    """A model called like markup adds no element, is shown as it is, and turns no text around."""
    elements = Document(page).elements
    assert [tag for tag, _ in elements].count("script") == 1
    spoken = {"alt", "aria-label"}
    values = [value for _, found in elements for name, value in found.items() if name not in spoken]
    assert not [value for value in values if "evil" in str(value)]
    assert printable(HOSTILE) in Document(page).words
    assert "\u202e" not in page
    assert "49" not in [word.strip() for word in Document(page).words]


def test_forty_lines_stay_below_five_megabytes(board: Board, page: str) -> None:
    """The weight of a line, with its share of all figures, is below a fortieth of the limit."""
    assert len(page.encode()) / len(board.entries) * 40 < 5e6


def test_what_is_damaged_leaves_a_gap_that_is_named(tmp_path: Path) -> None:
    """Without a line's conformations the rest of the page is there, and the card says why."""
    root = make_results(tmp_path / "results", n=50)
    (before,) = read_boards(root)
    near = next(entry for entry in before.entries if entry.line["model"] == "near")
    key = near.rows[1]["made_by"]["keys"]["sample"]
    (root / "sample" / key / "drawn.safetensors").write_bytes(b"no such thing")
    (after,) = read_boards(root)
    entry = next(entry for entry in after.entries if entry.line["model"] == "near")
    assert entry.drawn is not None
    assert near.drawn is not None
    assert torch.equal(entry.drawn, near.drawn[:50])
    assert "seed 1: " in render([after], "results")
    assert "its SHA-256 is another one" in render([after], "results")


def test_rows_alone_make_a_page(tmp_path: Path) -> None:
    """A folder of rows without conformations, as from elsewhere, has its table and times."""
    store = Store(tmp_path / "results").open()
    for seed in (0, 1):
        store.keep_row(f"k{seed}", row("vae", seed, 0.1) | {"key": f"k{seed}"})
    (found,) = read_boards(tmp_path / "results")
    assert found.truth is None
    assert 'alt="Scatter plot of 1 line on' in render([found], "results")
    assert read_boards(tmp_path / "nothing") == []


def test_truth_is_pooled_only_where_it_is_new(tmp_path: Path) -> None:
    """Other test sets of fresh truth count; those resampled from the test set do not."""
    root = make_results(tmp_path / "results", n=50, sets=3)
    (fresh,) = read_boards(root)
    assert fresh.truth is not None
    assert (len(fresh.truth.conformations), fresh.truth.worth) == (200, 200.0)
    store = Store(root)
    data = store.check("data", "da7a")
    test = load((data.folder / DATA_FILE).read_bytes())["test"]
    folder = store.scratch()
    (folder / DATA_FILE).write_bytes((data.folder / DATA_FILE).read_bytes())
    (folder / REPLICAS_FILE).write_bytes(save({"test": test.flip(0)[None].contiguous()}))
    store.forget("data", "da7a")
    store.keep("data", "da7a", folder, data.facts | {"n_test_effective": 20.0})
    (resampled,) = read_boards(root)
    assert resampled.truth is not None
    assert (len(resampled.truth.conformations), resampled.truth.worth) == (50, 20.0)
