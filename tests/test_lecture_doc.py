"""The page on the lecture keeps its word: its tables are those kept, its verdicts are theirs."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import lecture
from benchmarks.latent import LOOKS
from zoo.board.leaderboard import read_csv
from zoo.polymer.trajectories import effective_size
from zoo.registry import discover
from zoo_plugins.datasets.dmol import FILE, Dmol

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
BOARDS = ("leaderboard", "dmol")


def board(name: str) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """A kept board as the text that it is, by model and sampler."""
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {(line["model"], line["sampler"]): line for line in csv.DictReader(file)}


def shown(block: str) -> list[str]:
    """The two tables of a block: the exact chain's, then the trajectory's."""
    text = PAGE.split(f"<!-- {block} -->\n")[1].split(f"<!-- /{block} -->")[0]
    return re.split(r"\n\n(?=\*\*)", text.strip())


def test_the_tables_on_the_page_are_those_of_the_results() -> None:
    """`python -m benchmarks.lecture` has nothing to change on the page."""
    assert lecture.filled(PAGE) == PAGE


@pytest.mark.parametrize("number", [0, 1])
def test_figures_stand_in_the_right_line(number: int) -> None:
    """Rg W1 of the CSV, and its floor, are where the page says they are."""
    lines, table = board(BOARDS[number]), shown("size")[number]
    for name in (lecture.VAE, lecture.DDPM, ("vae", "direct"), ("gaussian", "direct")):
        row = next(row for row in table.splitlines() if f"| {' · '.join(name)} " in row)
        assert cells(row)[0].startswith(f"{float(lines[name]['rg_w1']):#.3g} [")
    floor = next(row for row in table.splitlines() if "| floor " in row)
    assert cells(floor)[0].startswith(f"{float(lines[lecture.VAE]['rg_w1_floor']):#.3g} [")


def test_the_kept_board_is_one_board_as_text_and_as_csv() -> None:
    """benchmarks/results/dmol.md has the lines and the headline of the CSV beside it, in order."""
    rows = (RESULTS / "dmol.md").read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in row.split("|")] for row in rows if row.startswith("| ")]
    kept = [[*name, f"{float(line['rg_w1']):.3f}"] for name, line in board("dmol").items()]
    assert [row[2:5] for row in found[2:]] == kept


def test_a_run_on_a_copy_is_kept_without_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board of `dmol[path='...']` becomes that of `dmol`, whose file is pinned."""
    frame = read_csv(RESULTS / "dmol.csv")
    monkeypatch.setattr(lecture, "RESULTS", tmp_path)
    lecture.keep(frame.assign(dataset="dmol[path='/home/ada/it [1], again.npz']"))
    assert (tmp_path / "dmol.csv").read_bytes() == (RESULTS / "dmol.csv").read_bytes()
    assert "/home" not in (tmp_path / "dmol.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="lines on 'bead-spring'"):
        lecture.keep(frame.assign(dataset="bead-spring"))


@pytest.mark.parametrize("name", ["dmol.csv", "dmol.md", "latent.md"])
def test_no_path_of_a_machine_is_kept(name: str) -> None:
    """No text that begins like an absolute path is in the results."""
    text = (RESULTS / name).read_text(encoding="utf-8")
    assert not re.search(r"""(^|[\s,;'"=(])/\w+/""", text)


def test_what_the_frames_are_worth() -> None:
    """Sizes of the two parts of the trajectory, and their worth, where its file is at hand."""
    beside = ROOT.parent / "shared" / "data" / FILE.name
    path = Path(os.environ.get("ZOO_TEST_DATA", beside))
    if not path.is_file():
        pytest.skip(f"no copy of {FILE.name}; name one in the environment variable ZOO_TEST_DATA")
    text = " ".join(PAGE.split())
    for part, name in zip(Dmol(path=str(path)).split(), ("training", "test"), strict=True):
        found = re.search(rf"([\d,]+) {name} frames, worth about (\d+)", text)
        assert found is not None
        assert int(found[1].replace(",", "")) == len(part)
        assert effective_size(part) == pytest.approx(float(found[2]), rel=0.02)


def test_latent_planes_can_be_looked_at_again() -> None:
    """Models and datasets of the table exist, and the table has a column for each command."""
    registry = discover(first_party_only=True)
    head, _, second = shown("latent-planes")[0].splitlines()[:3]
    for look, model, what in zip(LOOKS, cells(head), cells(second), strict=True):
        registry.find("model", look.model).check()
        registry.find("dataset", look.dataset).check()
        assert model == f"`{look.model}`"
        assert what == f"{look.dataset}, {look.preset}"


def test_what_latent_planes_know_and_where_they_lead() -> None:
    """The lecture's map Rg, ours on bonds and angles do not; the most compact chain is none."""
    lines = shown("latent-planes")[0].splitlines()
    rows = {row.split("|")[1].strip(): dict(zip(LOOKS, cells(row), strict=True)) for row in lines}
    known = rows["variance of Rg that a quadratic function of the codes explains"]
    for look in LOOKS:
        mapped = float(known[look].rstrip("%")) / 100
        assert mapped > 0.5 or look.model != "lecture-vae"
        assert mapped < 0.25 or look.model != "vae"
    for look in (look for look in LOOKS if look.model == "lecture-vae"):
        assert rows["most compact: training conformations below"][look] == "0%"
        closest, true = (
            float(rows[f"{whose}: closest contact"][look].split()[0])
            for whose in ("most compact", "training set")
        )
        assert closest < true
        if look.dataset == "bead-spring":
            assert float(rows["most compact: energy [kT]"][look]) > 1e6


def cells(row: str) -> list[str]:
    """Cells of a row of a table but the first."""
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def number(name: str, line: tuple[str, str], column: str) -> float:
    """A figure of a kept board."""
    return float(board(name)[line][column])


def test_diffusion_takes_hundreds_of_times_as_long() -> None:
    """Verdict on speed: two hundred calls against one."""
    assert number("leaderboard", lecture.DDPM, "nfe") == 200
    assert number("leaderboard", lecture.VAE, "nfe") == 1
    slow, fast = (
        number("leaderboard", line, "cpu_us_per_sample") for line in (lecture.DDPM, lecture.VAE)
    )
    assert 100 < slow / fast < 1000
    half = ("lecture-ddpm", "reverse-sde")
    assert number("dmol", half, "nfe") == 100
    assert number("dmol", half, "rg_w1_low") < number("dmol", lecture.DDPM, "rg_w1_high")
    for name in BOARDS:
        smaller = number(name, ("lecture-ddpm", "ode"), "rg_mean")
        assert smaller < number(name, lecture.DDPM, "rg_mean")


def test_which_is_sharper_depends_on_the_chain() -> None:
    """Beyond doubt: bonds by diffusion on the trajectory, energies by the autoencoder elsewhere."""
    worst = number("dmol", lecture.DDPM, "bond_w1_high")
    assert worst < number("dmol", lecture.VAE, "bond_w1_low") / 5
    best = number("leaderboard", lecture.DDPM, "energy_w1_low")
    assert best > number("leaderboard", lecture.VAE, "energy_w1_high")


def test_who_has_the_distribution_of_sizes() -> None:
    """Of the lecture's two none on the exact chain, and diffusion within a wide floor on dmol."""
    outside = {"leaderboard": [lecture.VAE, lecture.DDPM], "dmol": [lecture.VAE, *lecture.OURS[:3]]}
    inside = [lecture.DDPM, ("nsf", "direct"), ("shuffled", "direct"), ("gaussian", "direct")]
    for name, lines in outside.items():
        for line in lines:
            assert number(name, line, "rg_w1_low") > number(name, line, "rg_w1_floor_high")
    for line in inside:
        assert number("dmol", line, "rg_w1_low") < number("dmol", line, "rg_w1_floor_high")
    for line in (lecture.VAE, lecture.DDPM):
        for name in BOARDS:  # too small, all of them
            assert number(name, line, "rg_mean") < number(name, line, "rg_mean_floor")
    for line in lecture.OURS[:3]:  # chains too large for want of sharp turns, not of bonds
        assert number("dmol", line, "rg_mean_error") == pytest.approx(0.15, abs=0.01)
        assert number("dmol", line, "angle_w1_low") > number("dmol", line, "angle_w1_floor_high")
        assert number("dmol", line, "bond_w1_low") < number("dmol", line, "bond_w1_floor_high")


def test_nobody_has_learned_the_contacts() -> None:
    """On the trajectory only copies of the training set are within the floor's band."""
    for line, figures in board("dmol").items():
        outside = float(figures["contact_w1_low"]) > float(figures["contact_w1_floor_high"])
        assert outside != (line == ("copy-train", "direct"))


def test_neither_covers_what_there_is() -> None:
    """On the exact chain both leave out true conformations, and cannot be told apart in that."""
    for line in (lecture.VAE, lecture.DDPM):
        covered = number("leaderboard", line, "coverage_high")
        assert covered < number("leaderboard", line, "coverage_floor_low")
    assert number("leaderboard", lecture.DDPM, "coverage_high") > number(
        "leaderboard", lecture.VAE, "coverage_low"
    )


@pytest.mark.parametrize("sampler", ["dpmpp", "ancestral"])
def test_latent_diffusion_has_the_same_calls_and_worse_bonds(sampler: str) -> None:
    """Verdict on latent diffusion: nothing is saved, and bonds are worse beyond doubt."""
    codes, chain = ("latent-ddpm", sampler), ("ddpm", sampler)
    assert number("dmol", codes, "nfe") == number("dmol", chain, "nfe")
    assert number("dmol", codes, "bond_w1_low") > number("dmol", chain, "bond_w1_high")


def test_a_walk_in_the_latent_space_is_as_long_and_its_network_as_large() -> None:
    """As many calls by the same sampler, and parameters within a tenth of those of `ddpm`."""
    for name, within in (("nfe", 0.0), ("parameters", 0.1)):
        codes, chain = (
            number("leaderboard", (model, "ancestral"), name) for model in ("latent-ddpm", "ddpm")
        )
        assert codes == pytest.approx(chain, rel=within)
