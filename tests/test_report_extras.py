"""Laws of figures of files: films, latent maps and guided draws, and what is none of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.results import make_results
from zoo.cli import main
from zoo.errors import UsageError
from zoo.harness.files import write_film
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain
from zoo.report import FILE_FIGURE_NAMES
from zoo.report.extras import draw_file
from zoo.report.style import write_figure

GUIDED: dict[str, Any] = {
    "model": "ddpm", "sampler": "ode", "method": "classifier", "guidance": 3.0, "target": 2.0,
    "n": 100, "mean": 2.25, "std": 0.1, "true_mean": 2.0, "true_std": 0.02,
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A file of each kind."""
    torch.manual_seed(0)
    walks, frames = 6, 11
    film = tmp_path / "walks.npz"
    states = Chain().sample(walks * frames).view(walks, frames, 12, 2)
    write_film(film, states.numpy(), torch.linspace(1, 0, frames).repeat(walks, 1).numpy())
    latent = tmp_path / "plane.npz"
    x = Chain().sample(225)
    codes = torch.cartesian_prod(*[torch.linspace(-3, 3, 15)] * 2)
    arrays = {
        f"{way}_{what}": array.numpy()
        for way in ("train", "grid", "between", "descent")
        for what, array in (("codes", codes), ("conformations", x), ("rg", radius_of_gyration(x)))
    }
    np.savez(latent, allow_pickle=False, **arrays)
    guided = tmp_path / "wanted.json"
    lines = [GUIDED, GUIDED | {"guidance": 1.0}, GUIDED | {"model": "cfm", "target": 3.0}]
    guided.write_text(json.dumps(lines))
    return {"film": film, "latent": latent, "guided": guided}


@pytest.mark.parametrize("name", FILE_FIGURE_NAMES)
def test_a_file_becomes_its_figure(
    name: str, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`zoo plot` takes the file in place of a run; another figure's name is refused."""
    picture = draw_file(files[name])
    assert picture.name == name
    assert files[name].stem in picture.title
    monkeypatch.chdir(files[name].parent)
    assert main(["plot", name, files[name].name, "--out", "f.svg"]) == 0
    assert Path("f.svg").read_bytes() == write_figure(picture.figure, "svg")
    other = FILE_FIGURE_NAMES[FILE_FIGURE_NAMES.index(name) - 1]
    assert main(["plot", other, files[name].name, "--out", "f.svg"]) == 2


def test_a_film_runs_from_noise_to_data(files: dict[str, Path]) -> None:
    """Columns bear the times of their states, from first to last, and every bead is drawn."""
    svg = write_figure(draw_file(files["film"]).figure, "svg").decode()
    times = [float(t) for t in re.findall(r"t = (\d\.\d\d)<", svg)]
    assert times == sorted(times, reverse=True)
    assert (times[0], times[-1], len(times)) == (1.0, 0.0, 8)
    assert len(re.findall(r"<use ", svg)) >= 4 * 8 * 12


def test_a_map_of_one_latent_number(files: dict[str, Path], tmp_path: Path) -> None:
    """A latent space of one dimension, all of whose codes are the same, still has a map."""
    with np.load(files["latent"]) as file:
        arrays = {name: file[name] for name in file.files}
    flat = {k: v[:, :1] * (k == "grid_codes") if "codes" in k else v for k, v in arrays.items()}
    path = tmp_path / "line.npz"
    np.savez(path, allow_pickle=False, **flat)
    assert write_figure(draw_file(path).figure, "svg").startswith(b"<?xml")


def test_guided_draws_say_what_came_of_what_was_wanted(files: dict[str, Path]) -> None:
    """In words, one for each strength and target; truth that is too rare to measure is no fault."""
    picture = draw_file(files["guided"])
    assert "ddpm at strength 3: 2.25 for 2" in picture.alt
    assert "cfm at strength 3: 2.25 for 3" in picture.alt
    rare = {name: value for name, value in GUIDED.items() if not name.startswith("true")}
    files["guided"].write_text(json.dumps([rare]))
    assert draw_file(files["guided"]).name == "guided"


def test_the_page_takes_files_with_a_run(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`zoo report RUN FILE...` has them after everything else, with links that lead to them."""
    monkeypatch.chdir(files["film"].parent)
    make_results(Path("zoo-results"), n=50)
    assert main(["report", *(path.name for path in files.values())]) == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert page.index("Chains</h3>") < page.index("Noise becoming a chain: walks</h3>")
    assert '<a href="#more">' in page
    assert [f'id="more-{number}"' in page for number in (1, 2, 3, 4)] == [True, True, True, False]


BROKEN = {
    "nothing.npz": b"",
    "text.npz": b"no archive",
    "text.json": b"{",
    "other.json": b'[{"a": 1}]',
    "number.json": b"3",
    "binary.json": b"\xff\xfe",
}


@pytest.mark.parametrize("name", BROKEN)
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    """One sentence says what was expected, whatever the file holds."""
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(UsageError, match="has nothing to draw"):
        draw_file(path)


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Arrays of the right names and wrong shapes, of other names, or none at all."""
    path = tmp_path / "a.npz"
    for arrays in (
        {"trajectory": np.zeros((2, 3)), "times": np.zeros(2)},
        {"conformations": np.zeros((2, 3, 2))},
        {},
    ):
        np.savez(path, allow_pickle=False, **arrays)
        with pytest.raises(UsageError, match="has nothing to draw"):
            draw_file(path)
    with pytest.raises(UsageError, match="there is no file"):
        draw_file(tmp_path / "none.npz")
