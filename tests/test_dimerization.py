"""Laws of the exact sampler: other routes to the same distribution agree with it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tests.physics import Array, agree, mean_and_error, measures, seeded
from zoo.errors import UsageError
from zoo.polymer.chain import Chain
from zoo.polymer.dimerization import log_acceptance
from zoo.polymer.geometry import radius_of_gyration
from zoo.polymer.rejection import first_accepted
from zoo.polymer.repulsion import within

DIMS = pytest.mark.parametrize("dim", [2, 3])


def test_default_chain_has_the_reference_moments() -> None:
    """Plain rejection by other code, 400,000 samples; std errors follow from the sample sizes."""
    found = measures(Chain().sample(100_000, seeded(5)))
    reference = {
        "rg": (2.5029, 0.0006),
        "rg2": (6.4016, 0.003),
        "ree": (6.641, 0.003),
        "ree2": (48.08, 0.04),
        "bond": (1.0116, 0.00005),
        "wca": (0.0640, 0.0004),
    }
    for name, value in reference.items():
        assert agree(found[name], value), name
    spread = found["rg"][1] * math.sqrt(100_000)
    assert spread == pytest.approx(0.3701, abs=4 * 0.3701 / math.sqrt(2 * 80_000))
    free = log_acceptance(Chain().ideal, 12)
    assert agree((math.exp(free.value), 0.201 * free.standard_error), (0.2010, 0.0006))


@pytest.mark.parametrize(("beads", "dim"), [(12, 2), (11, 3)])
def test_joined_halves_and_whole_chains_are_the_same_law(beads: int, dim: int) -> None:
    """Dimerization against rejection of whole ideal chains: moments, and the chance to avoid."""
    chain = Chain(beads=beads, dim=dim)
    chances: list[Tensor] = []

    def whole(count: int) -> Tensor:
        generator = seeded(6 + len(chances))
        x = chain.ideal.grow(count, beads, generator)
        chances.append(torch.exp(-within(x)))
        return x[torch.rand(count, generator=generator) < chances[-1]]

    expected = measures(first_accepted(30_000, whole))
    found = measures(chain.sample(30_000, seeded(7)))
    for name, value in expected.items():
        assert agree(found[name], value), name
    mean, error = mean_and_error(torch.cat(chances))
    free = log_acceptance(chain.ideal, beads)
    assert agree((free.value, free.standard_error), (math.log(mean), error / mean))


def monte_carlo(
    chain: Chain, steps: int, chains: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Metropolis with pivots and bond moves in the plane: time averages, one per parallel chain.

    Positions are complex numbers. A pivot turns, and a bond move shifts, all beads behind one.
    """
    n = chain.beads
    i, j = np.triu_indices(n, 2)

    def parts(z: npt.NDArray[np.complex128]) -> tuple[Array, Array]:
        bonds = np.diff(z, axis=1)
        r2 = np.minimum(np.abs(z[:, i] - z[:, j]) ** 2, 2 ** (1 / 3))
        wca = (4 * (r2**-6 - r2**-3) + 1).sum(axis=1)
        stretch = 0.5 * chain.k * (np.abs(bonds) - chain.r0) ** 2
        bend = chain.kb * (1 - np.cos(np.angle(bonds[:, 1:] / bonds[:, :-1])))
        return stretch.sum(axis=1) + bend.sum(axis=1) + wca, wca

    z = np.tile(1.12 * np.arange(n), (chains, 1)).astype(complex)  # a rod without overlaps
    energy, wca = parts(z)
    sums = {name: np.zeros(chains) for name in ("rg", "ree2", "wca", "bond")}
    rows = np.arange(chains)
    for step in range(steps):
        joint = rng.integers(0, n - 1, chains)
        behind = np.arange(n) > joint[:, None]
        origin = z[rows, joint][:, None]
        if step % 2:
            trial = origin + (z - origin) * np.exp(1j * rng.uniform(-np.pi, np.pi, (chains, 1)))
        else:
            trial = z + 0.1 * (rng.normal(size=(chains, 1)) + 1j * rng.normal(size=(chains, 1)))
        trial = np.where(behind, trial, z)
        new, new_wca = parts(trial)
        accept = np.log(rng.uniform(size=chains)) < energy - new
        z[accept], energy[accept], wca[accept] = trial[accept], new[accept], new_wca[accept]
        if step >= steps // 4:
            centred = z - z.mean(axis=1, keepdims=True)
            sums["rg"] += np.sqrt((np.abs(centred) ** 2).mean(axis=1))
            sums["ree2"] += np.abs(z[:, -1] - z[:, 0]) ** 2
            sums["wca"] += wca
            sums["bond"] += np.abs(np.diff(z, axis=1)).mean(axis=1)
    return {name: total / (steps - steps // 4) for name, total in sums.items()}


def test_an_independent_monte_carlo_agrees() -> None:
    """A Markov chain that knows only the energy has the same averages as the exact sampler."""
    found = measures(Chain().sample(40_000, seeded(8)))
    averages = monte_carlo(Chain(), 2_000, 400, np.random.default_rng(9))
    for name, values in averages.items():
        assert agree(found[name], mean_and_error(values)), name


def test_long_chains_swell_with_florys_exponent() -> None:
    """⟨Rg²⟩ grows as bonds^(2ν), ν = 3/4 in the plane (Nienhuis 1982), from 24 to 96 beads.

    The tolerance of 0.08 is four standard errors (Rg² spreads by 0.37 of its mean, hence
    0.015 in the exponent from 600 chains a side) and 0.02 for corrections to scaling of such
    short chains. An ideal chain would give 1.0, one in space 1.2.
    """
    size = {n: radius_of_gyration(Chain(beads=n).sample(600, seeded(n))).square() for n in (24, 96)}
    slope = math.log(size[96].mean() / size[24].mean()) / math.log(95 / 23)
    assert slope == pytest.approx(1.5, abs=0.08)


@DIMS
def test_samples_point_everywhere_and_know_nothing_of_one_another(dim: int) -> None:
    """Directions have no mean and isotropic second moments; neighbours are uncorrelated."""
    n = 20_000
    x = Chain(beads=24, dim=dim).sample(n, seeded(10))
    way = torch.nn.functional.normalize(x[:, -1] - x[:, 0], dim=-1)
    error = 5 / math.sqrt(n)
    assert way.mean(dim=0).abs().max() < error
    assert ((way.mT @ way) / n - torch.eye(dim) / dim).abs().max() < error
    assert x.mean(dim=1).abs().max() < 1e-5
    rg = radius_of_gyration(x)
    rg = (rg - rg.mean()) / rg.std()
    for lag in (1, 2, 3):
        assert (rg[lag:] * rg[:-lag]).mean().abs() < error


def test_a_chain_that_cannot_avoid_itself_says_so() -> None:
    """Beads two short bonds apart always overlap: an error, not an endless loop."""
    with pytest.raises(UsageError, match=r"nearly all chains overlap: only .* Choose a larger r0"):
        Chain(r0=0.2).sample(1)
