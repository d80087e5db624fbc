"""Laws of the chain: its energy and its normalised density."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.physics import Array, mean_and_error, seeded
from zoo.errors import UsageError
from zoo.polymer.chain import Chain
from zoo.polymer.repulsion import within
from zoo.polymer.symmetry import augment

DIMS = pytest.mark.parametrize("dim", [2, 3])


def compressed(n: int, beads: int, dim: int) -> Tensor:
    """Conformations in double precision in which many pairs of beads overlap."""
    x = torch.randn(n, beads, dim, generator=seeded(beads + dim), dtype=torch.float64)
    return 0.6 * x.cumsum(dim=1)


def slow_energy(chain: Chain, x: Array) -> float:
    """The Hamiltonian of one conformation, term by term as it is written down."""
    total = 0.0
    for a, b in itertools.pairwise(x):
        total += 0.5 * chain.k * (math.dist(a, b) - chain.r0) ** 2
    for a, b, c in zip(x, x[1:], x[2:], strict=False):
        cosine = np.dot(b - a, c - b) / (math.dist(a, b) * math.dist(b, c))
        total += chain.kb * (1 - cosine)
    for i, j in itertools.combinations(range(len(x)), 2):
        r = math.dist(x[i], x[j])
        if j - i >= 2 and r < 2 ** (1 / 6):
            total += 4 * (r**-12 - r**-6) + 1
    return total


@DIMS
def test_energy_is_the_hamiltonian_written_down(dim: int) -> None:
    """A loop over bonds, angles and pairs gives the same energies."""
    chain = Chain(beads=9, dim=dim, k=40.0, r0=0.9, kb=2.5)
    x = compressed(30, 9, dim)
    expected = [slow_energy(chain, one) for one in x.numpy()]
    np.testing.assert_allclose(chain.energy(x).numpy(), expected, rtol=1e-9)


@DIMS
def test_energy_knows_no_direction_handedness_or_first_bead(dim: int) -> None:
    """Augmented and shifted copies have the same energy."""
    torch.manual_seed(0)
    chain = Chain(dim=dim)
    x = compressed(100, 12, dim)
    torch.testing.assert_close(chain.energy(augment(x) + 5.0), chain.energy(x), rtol=1e-8, atol=0)


@DIMS
def test_forces_and_torques_balance(dim: int) -> None:
    """Noether: shifts and rotations cost nothing, so forces and torques sum to zero."""
    x = compressed(20, 12, dim).requires_grad_()
    (force,) = torch.autograd.grad(Chain(dim=dim).energy(x).sum(), x)
    size = force.abs().amax(dim=(1, 2))
    assert (force.sum(dim=1).abs().amax(dim=1) < 1e-10 * size).all()
    torque = x.mT @ force
    assert ((torque - torque.mT).abs().amax(dim=(1, 2)) < 1e-10 * size).all()


@DIMS
def test_density_of_three_beads_integrates_to_one(dim: int) -> None:
    """Quadrature over two bonds and one angle, with the Jacobian of an orthonormal basis.

    The Jacobian from centred coordinates to bonds is the determinant of a numerical matrix here.
    """
    chain = Chain(beads=3, dim=dim, k=30.0, kb=0.7)
    basis = np.linalg.svd(np.ones((1, 3)))[2][1:]  # rows: orthonormal, without the mean
    jacobian = abs(np.linalg.det(np.diff(basis, axis=1))) ** dim
    nodes, weights = np.polynomial.legendre.leggauss(60)
    r, wr = 1 + 0.95 * nodes, 0.95 * weights
    theta, wt = (math.pi / 2) * (1 + nodes), (math.pi / 2) * weights
    a, b, t = (g.ravel() for g in np.meshgrid(r, r, theta, indexing="ij"))
    w = np.einsum("i,j,k->ijk", wr, wr, wt).ravel() * (a * b) ** (dim - 1)
    # Directions of the first bond, then of the second about it; both halves of the circle.
    w *= 2 * math.pi * 2 if dim == 2 else 4 * math.pi * 2 * math.pi * np.sin(t)
    x = np.zeros((len(a), 3, dim))
    x[:, 1, 0] = a
    x[:, 2, 0], x[:, 2, 1] = a + b * np.cos(t), b * np.sin(t)
    density = chain.log_prob(torch.from_numpy(x)).exp().numpy()
    error = chain.log_partition().standard_error
    assert (w * density).sum() / jacobian == pytest.approx(1.0, abs=4 * error + 1e-5)


@DIMS
def test_density_is_normalised_for_longer_chains_too(dim: int) -> None:
    """E[q/p] = 1 under p for any density q within the support of p.

    Here q is the ideal law given that no pair of beads touches, a chance found by counting
    among ideal chains: neither dimerization nor exp(−U_wca) enters it.
    """
    chain = Chain(beads=10, dim=dim)
    ideal = chain.ideal.grow(200_000, 10, seeded(11))
    chance, chance_error = mean_and_error((within(ideal) < 1e-9).double())
    x = chain.sample(50_000, seeded(12))
    free = -chain.energy(x) + within(x) - chain.ideal.log_partition(10) + 0.5 * dim * math.log(10)
    ratio = torch.where(within(x) < 1e-9, (free - chain.log_prob(x)).exp(), 0.0) / chance
    mean, error = mean_and_error(ratio)
    total = math.hypot(error, chance_error / chance, chain.log_partition().standard_error)
    assert mean == pytest.approx(1.0, abs=4 * total)


def test_log_partition_leaves_the_random_state_alone() -> None:
    """Its generator is its own, and so is its value, whatever the seed."""
    torch.manual_seed(13)
    before = torch.get_rng_state()
    chain = Chain(beads=3, kb=0.25)
    chain.log_partition()
    chain.sample(10, seeded(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_follow_the_global_state_without_a_generator() -> None:
    """The harness seeds torch; the chain listens."""
    torch.manual_seed(14)
    first = Chain().sample(20)
    assert not torch.equal(Chain().sample(20), first)
    torch.manual_seed(14)
    assert torch.equal(Chain().sample(20), first)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beads": 1}, "beads is 1"),
        ({"beads": 12.5}, "beads is 12.5"),
        ({"dim": 4}, "dim is 4"),
        ({"k": 0.0}, "k is 0.0"),
        ({"r0": -1.0}, "r0 is -1.0"),
        ({"kb": math.nan}, "kb is nan"),
    ],
)
def test_impossible_chains_are_refused(options: dict[str, int], message: str) -> None:
    """The message names the value and what was expected."""
    with pytest.raises(UsageError, match=message):
        Chain(**options)


def test_conformations_of_another_chain_are_refused() -> None:
    """Rather than broadcast into a number that means nothing."""
    with pytest.raises(UsageError, match="this chain has"):
        Chain().energy(torch.zeros(5, 11, 2))
