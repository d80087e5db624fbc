"""Laws of the report in a real browser: it works, sends nothing, and hostile names do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CHROMIUM, Browser, chromium
from tests.results import HOSTILE, make_results
from zoo.polymer.chain import Chain
from zoo.report import FIGURE_NAMES
from zoo.report.page import render
from zoo.report.records import read_boards
from zoo.wording import printable

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

RANKED = "[...document.querySelectorAll('tbody.ranked tr.line:not([hidden]) th')]"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small results folder."""
    folder = tmp_path_factory.mktemp("report")
    boards = read_boards(make_results(folder / "results"), lambda _label: Chain().energy)
    path = folder / "report.html"
    path.write_text(render(boards, "results"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def shown(browser: Browser, page: Path) -> Browser:
    """The browser, with the page freshly opened on a wide light screen."""
    browser.resize(1440)
    browser.prefer("light")
    browser.open(page)
    return browser


def said(browser: Browser, method: str) -> list[dict[str, Any]]:
    """What the browser reported of one kind."""
    return [e["params"] for e in browser.events if e.get("method") == method]


def names(browser: Browser) -> list[str]:
    """The models of the ranked lines that are seen, from above."""
    found: list[str] = browser.run(f"{RANKED}.map((cell) => cell.textContent)")
    return found


def test_nothing_is_asked_of_a_network_and_nothing_complains(shown: Browser, page: Path) -> None:
    """Only the file itself and pictures within it are loaded; no error, no refused script."""
    urls = [e["request"]["url"] for e in said(shown, "Network.requestWillBeSent")]
    assert [url for url in urls if not url.startswith("data:")] == [page.as_uri()]
    assert said(shown, "Log.entryAdded") == []
    assert said(shown, "Runtime.exceptionThrown") == []
    assert said(shown, "Runtime.consoleAPICalled") == []


def test_every_figure_is_seen(shown: Browser) -> None:
    """All pictures have been decoded, and have a size and words for those who cannot see them."""
    images = shown.run(
        "[...document.images].map((i) => [i.complete, i.naturalWidth > 300, i.alt.length > 30])"
    )
    drawn = [name for name in FIGURE_NAMES if name != "calls"]  # these lines take one call each
    assert images == [[True, True, True]] * len(drawn)


def test_hostile_names_are_text(shown: Browser) -> None:
    """No script of theirs ran, no element of theirs is there, and their text is."""
    assert shown.run("typeof pwned") == "undefined"
    assert shown.run("document.querySelectorAll('img[onerror]').length") == 0
    assert shown.run("document.scripts.length") == 1
    assert names(shown)[-1] == printable(HOSTILE)
    assert "loss is NaN <img" in shown.run("document.querySelector('tbody.failed').innerText")


def test_the_policy_stops_what_would_slip_through(shown: Browser) -> None:
    """An element that somebody smuggled in runs no handler and loads nothing."""
    shown.run(
        "document.body.insertAdjacentHTML('beforeend',"
        '\'<img src="https://evil.test/x" onerror="pwned=1"><b onclick="pwned=1">b</b>\')'
    )
    shown.run("document.querySelector('body > b').click()")
    assert shown.run("typeof pwned") == "undefined"
    blocked = [e["entry"]["text"] for e in said(shown, "Log.entryAdded")]
    assert any("Content Security Policy" in text for text in blocked)


def test_sorting_by_click_and_by_keyboard(shown: Browser) -> None:
    """A click sorts upwards, Enter on the same button downwards; `aria-sort` says so.

    Each part is sorted in itself, and a line without a value stays below.
    """
    start = names(shown)
    time = next(
        number
        for number in range(1, 14)
        if "CPU" in shown.run(f"document.querySelector('th:nth-child({number})').textContent")
    )
    heading = f"thead th:nth-child({time})"
    shown.click(f"{heading} button")
    assert shown.run(f"document.querySelector('{heading}').ariaSort") == "ascending"
    assert names(shown)[:3] == ["far", "near", "also-near"]
    assert shown.run("document.activeElement.tagName") == "BUTTON"
    shown.press("Enter", 13, "\r")
    assert shown.run(f"document.querySelector('{heading}').ariaSort") == "descending"
    assert names(shown)[1:] == ["also-near", "near", "far"]
    shown.click("thead th:nth-child(1) button")
    assert names(shown) == start


def test_filtering_by_typing(shown: Browser) -> None:
    """Words of a line in any order leave it, all others go, and the count is said."""
    shown.click(".filter input")
    shown.ask("Input.insertText", text="DIRECT near")
    assert sorted(names(shown)) == ["also-near", "near"]
    assert shown.run("document.querySelector('output').textContent") == "2 of 6 lines"
    shown.run("document.querySelector('.filter input').select()")
    shown.press("Delete", 46)
    assert len(names(shown)) == 4


def test_a_name_leads_to_its_card(shown: Browser) -> None:
    """A link in the table opens the card it leads to, with the command."""
    shown.run(
        "globalThis.moved = new Promise((done) => addEventListener('hashchange', () => done(1))); 1"
    )
    shown.click("tbody.ranked th a")
    assert shown.run("moved") == 1
    assert shown.run("document.querySelectorAll('details[open]').length") == 1
    assert "zoo run" in shown.run("document.querySelector('details[open] pre').innerText")


@pytest.mark.parametrize("width", [360, 1440])
def test_the_layout_holds(width: int, shown: Browser) -> None:
    """Nothing but tables and figures is wider than the window, cards open or not."""
    shown.resize(width)
    shown.run("document.querySelectorAll('details').forEach((card) => { card.open = true; })")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert shown.run(wide) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(scheme: str, shown: Browser) -> None:
    """Text has a contrast of at least 4.5 to 1 against what is behind it."""
    shown.prefer(scheme)
    colors = shown.run(
        "['body', '.legend', 'a', '.failed td.notes', 'summary'].map((name) =>"
        "getComputedStyle(document.querySelector(name)).color)"
    )
    paper = shown.run("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) > 0.5) == (scheme == "light")
    for color in colors:
        low, high = sorted((luminance(color), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def luminance(color: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG 2.2 defines it."""
    parts = [int(part) / 255 for part in color[4:-1].split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
