"""Laws of looking into a latent space: codes go where they should, and gradients lead down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.physics import seeded
from zoo.cli import main
from zoo.contracts import Latent
from zoo.harness.latent import descend, explained, grid
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain
from zoo_plugins.models.lecture import LectureVAE
from zoo_plugins.models.vae import VAE

SMALL = ["--dataset", "bead-spring[beads=5,n_train=300,n_test=300]", "--preset", "quick"]


class Rods:
    """Decodes a code to a rod of two beads, whose length is 1 + |code|²."""

    def encode(self, x: Tensor) -> Tensor:
        """Not needed here."""
        raise NotImplementedError

    def decode_mean(self, codes: Tensor) -> Tensor:
        """Beads at 0 and at the length, shape (n, 2, 2)."""
        end = torch.stack([1 + codes.square().sum(1), torch.zeros(len(codes))], dim=1)
        return torch.stack([torch.zeros_like(end), end], dim=1)


def test_descent_ends_in_the_minimum() -> None:
    """From anywhere the shortest rod is found, whose radius of gyration is a half."""
    way = descend(Rods(), torch.tensor([1.0, -2.0]), 400)
    rg = radius_of_gyration(Rods().decode_mean(way))
    assert way.shape == (401, 2)
    assert torch.equal(way[0], torch.tensor([1.0, -2.0]))
    assert rg[0] == pytest.approx(3.0)
    assert rg[-1] == pytest.approx(0.5, abs=1e-3)


def test_what_codes_explain_is_the_regression_share() -> None:
    """Of a quadratic function plus noise of known size; nothing of what is independent."""
    codes = torch.randn(20_000, 2, generator=seeded(0))
    noise = torch.randn(20_000, generator=seeded(1))
    signal = 1 + codes[:, 0] - codes[:, 1] + codes[:, 0] * codes[:, 1]
    assert explained(codes, signal + noise) == pytest.approx(3 / 4, abs=0.02)
    assert explained(codes, noise) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_grid_lies_in_the_first_two_numbers(size: int) -> None:
    """Its corners are at ±3, and all other numbers are zero."""
    codes = grid(4, size)
    assert codes.shape == (4 ** min(size, 2), size)
    assert codes[:, :2].min() == -3
    assert codes[:, :2].max() == 3
    assert not codes[:, 2:].any()
    assert len(codes.unique(dim=0)) == len(codes)


@pytest.mark.parametrize("kind", [VAE, LectureVAE])
def test_vaes_have_a_latent_space(kind: type[VAE] | type[LectureVAE]) -> None:
    """Codes of equal chains in other poses are the same, and decoding has no noise."""
    torch.manual_seed(0)
    model = kind((12, 2)).eval()
    x = Chain().sample(50, seeded(0))
    model.fit(x)
    assert isinstance(model, Latent)
    with torch.no_grad():
        codes = model.encode(x)
        torch.testing.assert_close(model.encode(x + 3), codes, atol=1e-3, rtol=1e-3)
        once, again = model.decode_mean(codes), model.decode_mean(codes)
    assert torch.equal(once, again)
    assert once.shape == x.shape


def test_the_command_says_whether_the_chain_is_physical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rg and energy along the ways, in a table and in a file, and a verdict that agrees."""
    monkeypatch.chdir(tmp_path)
    words = ["latent", "vae[coordinates=bonds]", "--grid", "5", "--descent", "40"]
    assert main([*words, "-o", "l.npz", *SMALL]) == 0
    out = capsys.readouterr().out
    with np.load("l.npz") as file:
        found = {name: file[name] for name in file}
    assert found["grid_conformations"].shape == (25, 5, 2)
    rg, energy = found["descent_rg"], found["descent_energy"]
    assert rg[-1] < rg[0]
    chain = Chain(beads=5)
    again = chain.energy(torch.from_numpy(found["descent_conformations"]))
    np.testing.assert_allclose(energy, again.numpy(), rtol=1e-4)
    assert f"ends at Rg {rg[-1]:.3f} σ" in out
    least, bound = np.quantile(found["train_energy"], (0, 0.999))
    physical = least <= energy[-1] <= bound
    assert ("a chain that the Hamiltonian allows" in out) == physical
    assert ("smoother than any chain at this temperature" in out) == (energy[-1] < least)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["shuffled"], (1, "has no latent space to look at")),
        (["vae", "-o", "l.txt"], (2, "expected FILE.npz")),
        (["vae", "-o", "nowhere/l.npz"], (2, "in a folder that exists")),
    ],
)
def test_what_cannot_be_looked_into_is_said(
    words: list[str],
    expected: tuple[int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything starts where that can be known, and with a sentence."""
    monkeypatch.chdir(tmp_path)
    assert main(["latent", *words, *SMALL]) == expected[0]
    assert expected[1] in capsys.readouterr().err
