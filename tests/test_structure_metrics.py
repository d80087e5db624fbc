"""Laws of the averages that polymer physics measures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import j0
from torch import Tensor

import zoo
from tests.physics import seeded
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain
from zoo_plugins.metrics.structure import (
    ContactMap,
    FormFactor,
    InternalScaling,
    contact_map,
    form_factor,
    internal_distances,
)

Q = torch.logspace(-1, 1, 40)


@pytest.fixture(scope="module", params=[2, 3])
def truth(request: pytest.FixtureRequest) -> Tensor:
    """True conformations of 8 beads, in the plane and in space."""
    return Chain(beads=8, dim=request.param).sample(3_000, seeded(3))


def test_form_factor_of_a_dimer() -> None:
    """(1 + sinc qr)/2 in space and (1 + J₀(qr))/2 in the plane."""
    q, r = Q.double().numpy(), 1.37
    for dim, wave in ((3, np.sin(q * r) / (q * r)), (2, j0(q * r))):
        dimer = torch.zeros(5, 2, dim)
        dimer[:, 1, 0] = r
        found = form_factor(dimer, Q)
        np.testing.assert_allclose(found.numpy(), (1 + wave) / 2, atol=1e-5, rtol=0.01)


def test_form_factor_of_a_rod() -> None:
    """Σ sinc over N beads at equal distances, counted by separation: N, N − 1, … pairs."""
    beads, spacing = 9, 0.8
    rod = torch.zeros(1, beads, 3)
    rod[0, :, 2] = spacing * torch.arange(beads)
    q = Q.double().numpy()
    expected = np.full_like(q, beads)
    for apart in range(1, beads):
        phase = q * spacing * apart
        expected += 2 * (beads - apart) * np.sin(phase) / phase
    np.testing.assert_allclose(form_factor(rod, Q).numpy(), expected / beads**2, rtol=1e-5)


def test_form_factor_is_what_is_scattered(truth: Tensor) -> None:
    """|Σ exp(i q·r)|² for explicit wave vectors in many directions, no pairs and no histogram.

    In the plane the directions are evenly spaced; in space each conformation, whose own
    direction is random, meets three directions, and the rest is sampling noise.
    """
    dim = truth.shape[2]
    x = truth.double() - truth.double().mean(dim=1, keepdim=True)
    if dim == 2:
        x = x[:200]
        angles = 2 * math.pi * torch.arange(300, dtype=torch.float64) / 300
        ways = torch.stack([angles.cos(), angles.sin()], dim=-1)
    else:
        ways = torch.eye(3, dtype=torch.float64)
    for q in (0.2, 1.0, 3.0, 9.0):
        wave = torch.exp(1j * q * (x @ ways.mT)).sum(dim=1).abs().square() / x.shape[1] ** 2
        means = wave.mean(dim=1)
        found = form_factor(x, torch.tensor([q])).item()
        error = 0.0 if dim == 2 else 4 * means.std().item() / math.sqrt(len(x))
        assert found == pytest.approx(means.mean().item(), rel=3e-4, abs=error)


def test_form_factor_at_small_q_measures_the_size(truth: Tensor) -> None:
    """Guinier: P(q) → 1 − q²⟨Rg²⟩/dim."""
    q = torch.tensor([0.02], dtype=torch.float64)
    guinier = radius_of_gyration(truth).double().square().mean().item() / truth.shape[2]
    slope = (1 - form_factor(truth, q).item()) / q.item() ** 2
    assert slope == pytest.approx(guinier, rel=2e-3)


def test_form_factors_are_compared_in_logarithms(truth: Tensor) -> None:
    """Logarithms of P from all pairs one by one, for conformations wrong on purpose."""
    wrong, dim = 1.1 * truth[:1_500], truth.shape[2]

    def log_form(x: Tensor) -> np.ndarray:
        y, beads = x.double().numpy(), x.shape[1]
        r = np.linalg.norm(y[:, :, None] - y[:, None], axis=-1)
        waves = [j0(q * r) if dim == 2 else np.sinc(q * r / np.pi) for q in Q.double().numpy()]
        return np.log([wave.sum(axis=(1, 2)).mean() / beads**2 for wave in waves])

    expected = np.sqrt(np.mean((log_form(wrong) - log_form(truth[1_500:])) ** 2))
    data = zoo.Data(train=truth, test=truth[1_500:])
    assert FormFactor().compute(zoo.Drawn(wrong), data) == pytest.approx(expected, rel=2e-3)


def test_an_exploded_chain_costs_no_memory(truth: Tensor) -> None:
    """One conformation a million times too large among 1,000 changes P(q) by a thousandth."""
    x = truth[:1_000].clone()
    before = form_factor(x, Q)
    x[0] *= 1e6
    assert (form_factor(x, Q) - before).abs().max() < 2e-3


def test_contact_map_is_that_of_numpy(truth: Tensor) -> None:
    """Chances from all distances, in either order of the beads, pair by pair."""
    r = np.linalg.norm((truth[:, :, None] - truth[:, None]).numpy(), axis=-1)
    chance = ((r < 1.5).mean(axis=0) + (r < 1.5)[:, ::-1, ::-1].mean(axis=0)) / 2
    i, j = np.triu_indices(8, 2)
    np.testing.assert_allclose(contact_map(truth, 1.5).numpy(), chance[i, j], rtol=1e-6)


def test_contact_maps_differ_by_what_was_made_to_touch(truth: Tensor) -> None:
    """A fifth of the chains blown up until nothing touches: every chance falls by a fifth."""
    x = truth[:1_000].repeat(5, 1, 1)
    x[:1_000] *= 100
    chances = contact_map(truth[:1_000], 1.5).numpy()
    data = zoo.Data(train=truth, test=truth[:1_000])
    expected = 0.2 * math.sqrt(np.mean(chances**2))
    assert ContactMap().compute(zoo.Drawn(x), data) == pytest.approx(expected, rel=1e-5)


def test_internal_distances_are_those_of_numpy(truth: Tensor) -> None:
    """Diagonals of the matrix of mean-square distances, one by one."""
    y = truth.double().numpy()
    squares = ((y[:, :, None] - y[:, None]) ** 2).sum(axis=-1).mean(axis=0)
    expected = [np.diagonal(squares, apart).mean() for apart in range(1, 8)]
    np.testing.assert_allclose(internal_distances(truth).numpy(), expected, rtol=1e-6)
    assert internal_distances(truth)[-1].item() > 4 * internal_distances(truth)[0].item()


def test_internal_scaling_sees_every_scale_alike(truth: Tensor) -> None:
    """5% too large everywhere: 2 ln 1.05. One chain of two turned into a rod: by numpy."""
    data = zoo.Data(train=truth, test=truth)
    value = InternalScaling().compute(zoo.Drawn(1.05 * truth), data)
    assert value == pytest.approx(2 * math.log(1.05), rel=1e-4)
    rod = torch.zeros_like(truth)
    rod[:, :, 0] = torch.arange(8.0)
    ratio = np.arange(1, 8) ** 2 / internal_distances(truth).numpy()
    value = InternalScaling().compute(zoo.Drawn(rod), data)
    assert value == pytest.approx(np.sqrt(np.mean(np.log(ratio) ** 2)), rel=1e-5)
