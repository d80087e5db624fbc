"""Laws of films: the states of a walk, seen from outside, and the same draws as without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from tests.gaussian import GaussianField, GaussianPath, flow, moments
from zoo.cli import main
from zoo.errors import PluginError
from zoo.generative import CosineSchedule, StraightSchedule
from zoo.harness.film import Film, watch
from zoo.polymer import augment, bond_lengths, pair_distances
from zoo.polymer.files import read_conformations
from zoo_plugins.samplers.ancestral import Ancestral
from zoo_plugins.samplers.ddim import DDIM
from zoo_plugins.samplers.ode import ODE

SAMPLERS = [DDIM(40), Ancestral(40), ODE(method="rk4", steps=40), ODE()]


class Turning(GaussianPath):
    """Decodes with a turn of its own for each chain at each call, as the zoo's models do."""

    def decode(self, x: Tensor) -> Tensor:
        """Chains in a random pose."""
        return augment(super().decode(x))


def filmed(
    sampler: zoo.Sampler[Any], frames: int, kind: type[GaussianPath] = GaussianPath
) -> tuple[Film, Tensor]:
    """A film of 50 walks on normal data, and what the sampler returned."""
    torch.manual_seed(0)
    model = kind(CosineSchedule(), *(m.float() for m in moments(8)))
    film = watch(model, frames)
    return film, sampler.sample(model, 50)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_the_last_frame_is_what_was_drawn(sampler: zoo.Sampler[Any]) -> None:
    """Of any sampler; filming changes neither the draws nor torch's random state afterwards."""
    torch.manual_seed(0)
    plain = sampler.sample(GaussianPath(CosineSchedule(), *(m.float() for m in moments(8))), 50)
    after = torch.rand(1)
    film, drawn = filmed(sampler, 8)
    assert torch.equal(drawn, plain)
    assert torch.equal(torch.rand(1), after)
    assert torch.equal(film.conformations[:, -1], drawn)
    assert film.conformations.shape == (50, 9, 4, 2)


def test_frames_are_near_the_times_asked_for() -> None:
    """With 40 steps and 8 frames every frame's time is a step's own, from 1 to 0."""
    film, _ = filmed(DDIM(40), 8)
    torch.testing.assert_close(film.times[3], torch.linspace(1, 0, 9))


def test_frames_lie_on_the_exact_flow() -> None:
    """The fine ODE's states at each time are where the known flow takes the first state."""
    torch.manual_seed(0)
    model = GaussianField(StraightSchedule(), *(m.float() for m in moments(8)))
    film = watch(model, 5)
    ODE(method="rk4", steps=50, end=0.01).sample(model, 20)
    states = film.conformations.flatten(2)
    for frame in range(1, 5):
        t = float(film.times[0, frame])
        expected = flow(model, states[:, 0], 1.0, t)
        torch.testing.assert_close(states[:, frame], expected, rtol=1e-3, atol=1e-3)


def test_a_chain_keeps_its_pose() -> None:
    """A model that turns chains at every decode turns all frames of a walk the same way."""
    film, drawn = filmed(DDIM(40), 40, kind=Turning)
    assert torch.equal(film.conformations[:, -1], drawn)
    near, last = film.conformations[:, -2], film.conformations[:, -1]
    moved = (near - last).norm(dim=-1).mean()
    assert moved < 0.1 * bond_lengths(last).mean()
    torch.testing.assert_close(pair_distances(near), pair_distances(last), atol=0.3, rtol=0.3)


def test_batches_come_one_after_another() -> None:
    """Two calls of the sampler give one film of all their walks."""
    torch.manual_seed(0)
    model = GaussianPath(CosineSchedule(), *(m.float() for m in moments(8)))
    film = watch(model, 4)
    first, second = (DDIM(8).sample(model, n) for n in (3, 2))
    assert torch.equal(film.conformations[:, -1], torch.cat([first, second]))
    assert film.times.shape == (5, 5)


def test_a_model_of_one_pass_has_no_film() -> None:
    """It is refused with the reason."""

    class Point(zoo.OneShot):
        def draw(self, n: int) -> Tensor:
            return torch.zeros(n, 4, 2)

    with pytest.raises(PluginError, match="a Point draws in one pass"):
        watch(Point(), 3)


def test_the_command_writes_walks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As npz with times, as xyz walk by walk; the last frames are what it draws without a film."""
    monkeypatch.chdir(tmp_path)
    small = ["--dataset", "bead-spring[beads=5,n_train=300,n_test=300]", "--preset", "quick"]
    words = ["sample", "cfm", "--sampler", "ddim[steps=6]", "-n", "4", *small]
    assert main([*words, "-o", "plain.npz"]) == 0
    assert main([*words, "--trajectory", "3", "-o", "film.npz"]) == 0
    assert main([*words, "--trajectory", "3", "-o", "film.xyz"]) == 0
    with np.load("film.npz") as film, np.load("plain.npz") as plain:
        walks, times = film["trajectory"], film["times"]
        np.testing.assert_array_equal(walks[:, -1], plain["conformations"])
    assert walks.shape == (4, 4, 5, 2)
    np.testing.assert_allclose(times[2], [1, 2 / 3, 1 / 3, 0], atol=1e-6)
    frames = read_conformations(Path("film.xyz"), (5, 2))
    np.testing.assert_allclose(frames, walks.reshape(16, 5, 2), atol=1e-5)
    assert main([*words, "--trajectory", "3", "-o", "film.npy"]) == 2
    assert main(["sample", "vae", "--trajectory", "3", "-o", "film.npz", *small]) == 2
    assert "draws in one pass" in capsys.readouterr().err
