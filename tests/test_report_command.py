"""Laws of `zoo report` and `zoo plot`: files as asked for, and one paragraph where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Install
from tests.results import make_results
from tests.test_leaderboard import row
from tests.test_run import TOY
from zoo.cli import main
from zoo.harness.store import Store
from zoo.harness.whole import seal, unseal
from zoo.report import FIGURE_FORMATS, FIGURE_NAMES


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


def test_a_folder_becomes_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    """One file beside the folder, with every figure it can fill; the folder stays as it was."""
    make_results(Path("zoo-results"), n=50)
    before = sorted(Path("zoo-results").rglob("*"))
    assert main(["report"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("zoo: written: report.html")
    page = Path("report.html").read_text(encoding="utf-8")
    drawn = {name for name in FIGURE_NAMES if f'id="{name}-1"' in page}
    assert drawn == set(FIGURE_NAMES) - {"calls"}  # these lines take one call each
    assert sorted(Path("zoo-results").rglob("*")) == before


@pytest.mark.parametrize("form", FIGURE_FORMATS)
def test_one_figure_in_a_file(form: str) -> None:
    """The suffix says what is written."""
    make_results(Path("mine"), n=50)
    assert main(["plot", "gallery", "mine", "--out", f"chains.{form}"]) == 0
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    assert Path(f"chains.{form}").read_bytes().startswith(begins[form])


def test_of_several_boards_one_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has them all; a figure has the one asked for, by its number on the page."""
    store = Store(Path("zoo-results")).open()
    quick = {"preset": "quick", "seeds": 1, "draws": 2_000, "batch": 1_000}
    store.keep_row("a", row("vae", 0, 0.1) | {"key": "a"})
    store.keep_row("b", row("swift", 0, 0.1, settings=quick) | {"key": "b"})
    assert main(["report"]) == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert page.index('<h2 id="board-1">') < page.index('<h2 id="board-2">')
    for number, there in (("1", "swift"), ("2", "vae")):
        assert main(["plot", "fidelity", "--out", "f.svg", "--board", number]) == 0
        assert f"{there} · direct" in Path("f.svg").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["plot", "fidelity", "--out", "f.svg", "--board", "3"]) == 2
    err = capsys.readouterr().err
    assert "there is no board 3. The folder holds: 1 bead-spring · preset quick" in err


BAD = {
    "no folder": (["report", "nowhere"], "there is no results folder 'nowhere'"),
    "empty folder": (["report", "empty"], "the folder 'empty' holds no results"),
    "another suffix": (["report", "rows", "--out", "r.pdf"], "expected FILE.html in a folder"),
    "no such target": (["report", "rows", "--out", "no/r.html"], "cannot write 'no/r.html'"),
    "no such format": (["plot", "rg", "rows", "--out", "rg.gif"], "FILE.svg or FILE.png or"),
    "nothing to show": (["plot", "rg", "rows", "--out", "rg.svg"], "has nothing to show"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_said(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One paragraph on standard error, exit status 2, and no file."""
    Path("empty").mkdir()
    Store(Path("rows")).open().keep_row("k", row("vae", 0, 0.1) | {"key": "k"})
    words, sentence = BAD[case]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert sentence in err
    assert not [path for path in Path().iterdir() if path.is_file()]


def test_an_unknown_dataset_costs_its_energies_only(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dataset that is not installed has none; one whose energy fails names what to leave out."""
    make_results(Path("zoo-results"), n=50)
    for path in Path("zoo-results/rows").glob("*.json"):
        row, _ = unseal(path.read_bytes())
        path.write_text(seal(row | {"dataset": "elsewhere"}))
    assert main(["plot", "energy", "--out", "e.svg"]) == 2
    assert "has nothing to show in the figure 'energy'" in capsys.readouterr().err
    assert main(["plot", "rg", "--out", "rg.svg"]) == 0
    install(
        "zoo-hot",
        """
        from dataclasses import dataclass
        import zoo

        class Hot(zoo.Dataset):
            def split(self): ...
            def energy(self, x): raise ValueError("too hot")

        @zoo.hookimpl
        def zoo_datasets():
            yield zoo.DatasetSpec(api=1, name="elsewhere", factory=Hot, summary="",
                                  offers={"energy"}, source="", license="")
        """,
    )
    capsys.readouterr()
    assert main(["report"]) == 1
    assert "gives no energies: ValueError: too hot" in capsys.readouterr().err
    assert main(["report", "-p", "no:zoo-hot"]) == 0


def test_a_run_ends_with_its_page(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """The page lies in the results folder, with failed lines and their reason; or is not wanted.

    Its figures say what was drawn: the line that failed has a row in the table only.
    """
    install("zoo-toy", TOY)
    words = ["run", "honest", "raises", "--dataset", "walks", "--preset", "quick", "--jobs", "1"]
    assert main([*words, "--no-report"]) == 1
    assert not Path("zoo-results/report.html").exists()
    assert main(words) == 1
    assert f"a page to look at: {Path('zoo-results/report.html')}" in capsys.readouterr().err
    page = Path("zoo-results/report.html").read_text(encoding="utf-8")
    assert "error: RuntimeError: too hot" in page
    assert 'alt="1 histogram of the energy [kT]' in page
