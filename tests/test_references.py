"""Laws of the reference models: what each line of comparison keeps, and what it destroys."""

from __future__ import annotations

import pytest
import scipy.fft
import scipy.stats
import torch
from torch import Tensor

from tests.physics import seeded
from zoo.polymer import align, pair_distances, turning_angles
from zoo.polymer.chain import Chain
from zoo.polymer.geometry import bond_lengths, radius_of_gyration
from zoo_plugins.datasets.bead_spring import BeadSpring
from zoo_plugins.models.references import CopyTrain, Gaussian, Shuffled, Truth

PLAIN = "donot_use_mm_for_euclid_dist"  # the exact way; the other loses half of the digits


def chains(n: int) -> Tensor:
    """True conformations."""
    return Chain().sample(n, seeded(0))


def rouse(x: Tensor) -> Tensor:
    """Orthonormal modes by SciPy's cosine transform, flattened mode by mode."""
    modes = scipy.fft.dct(x.double().numpy(), axis=1, norm="ortho")[:, 1:]
    return torch.from_numpy(modes).flatten(1)


def test_gaussian_is_a_normal_in_rouse_modes() -> None:
    """Its density is that of torch's multivariate normal at SciPy's cosine transform."""
    torch.manual_seed(0)
    x, model = chains(2000), Gaussian((12, 2))
    model.fit(x)
    root = model.root.double()
    normal = torch.distributions.MultivariateNormal(model.mean.double(), root @ root.T)
    expected = normal.log_prob(rouse(x))
    torch.testing.assert_close(model.log_prob(x).double(), expected, rtol=1e-3, atol=1e-2)


def test_gaussian_has_the_spread_of_turned_chains() -> None:
    """Covariances of its modes: those of the data, equal for both axes, zero across them.

    Although all chains lie along one axis when it sees them. Reversing a chain flips its odd
    modes, so even and odd ones do not correlate either.
    """
    torch.manual_seed(0)
    x, model = align(chains(2000)), Gaussian((12, 2))
    model.fit(x)
    modes, drawn = rouse(x).view(-1, 11, 2), rouse(model.draw(40_000))
    one_axis = torch.einsum("npi,nqi->pq", modes, modes) / (2 * len(x))
    parity = torch.arange(11) % 2
    one_axis = one_axis * (parity[:, None] == parity)
    expected = torch.kron(one_axis, torch.eye(2, dtype=torch.float64))
    scale = expected.diagonal().sqrt()
    error = (torch.cov(drawn.T) - expected) / torch.outer(scale, scale)
    assert error.abs().max() < 0.1
    assert (drawn.mean(0) / scale).abs().max() < 0.1


def test_shuffled_keeps_each_coordinate() -> None:
    """Bond lengths and sizes of turning angles, place by place, are those of true chains."""
    torch.manual_seed(0)
    x, model = chains(4000), Shuffled((12, 2))
    model.fit(x[:2000])
    drawn = model.draw(2000)
    for measure in (bond_lengths, lambda x: turning_angles(x).abs()):
        for here, there in zip(measure(drawn).T, measure(x).T, strict=True):
            assert scipy.stats.ks_2samp(here.numpy(), there.numpy()).statistic < 0.06


def test_shuffled_breaks_every_correlation() -> None:
    """From chains whose bonds are all equal come chains whose bonds know nothing of each other."""
    torch.manual_seed(0)
    sizes = torch.linspace(0.5, 1.5, 1000)
    x = torch.zeros(1000, 6, 2)
    x[..., 0] = sizes[:, None] * torch.arange(6)
    model = Shuffled((6, 2))
    model.fit(x)
    lengths = bond_lengths(model.draw(4000))
    nearest = (lengths.flatten()[:, None] - sizes).abs().min(1).values
    assert nearest.max() < 1e-5
    correlation = torch.corrcoef(lengths.T) - torch.eye(5)
    assert correlation.abs().max() < 0.08


def test_copies_are_training_chains_in_other_poses() -> None:
    """Pair distances of each draw are those of a training chain, read forwards or backwards."""
    torch.manual_seed(0)
    x, model = chains(60), CopyTrain((12, 2))
    model.fit(x)
    drawn = model.draw(300)
    forwards, backwards = pair_distances(x), pair_distances(x.flip(1))
    ahead = torch.cdist(pair_distances(drawn), forwards, compute_mode=PLAIN)
    behind = torch.cdist(pair_distances(drawn), backwards, compute_mode=PLAIN)
    assert torch.minimum(ahead, behind).min(1).values.max() < 1e-4
    assert (ahead.min(1).values < behind.min(1).values).float().mean() == pytest.approx(
        0.5, abs=0.12
    )
    assert len(torch.minimum(ahead, behind).argmin(1).unique()) > 50


def test_truth_draws_fresh_true_chains() -> None:
    """Radii of gyration are distributed as in the training set, none of whose chains recurs."""
    torch.manual_seed(1)
    dataset = BeadSpring(n_train=2000, n_test=1)
    x, _ = dataset.split()
    drawn = Truth((12, 2), dataset=dataset).draw(2000)
    apart = torch.cdist(pair_distances(drawn), pair_distances(x), compute_mode=PLAIN)
    assert apart.min() > 0.05
    here, there = (radius_of_gyration(y).numpy() for y in (drawn, x))
    assert scipy.stats.ks_2samp(here, there).pvalue > 1e-3
