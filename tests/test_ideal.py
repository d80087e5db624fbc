"""Laws of the chain without excluded volume: exact bonds, angles and sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import i0, i1
from scipy.stats import kstest, uniform, vonmises

from tests.physics import agree, mean_and_error, seeded
from zoo.polymer.geometry import end_to_end, turning_angles
from zoo.polymer.ideal import Ideal

DIMS = pytest.mark.parametrize("dim", [2, 3])


@pytest.mark.parametrize("kb", [0.0, 1e-9, 0.3, 1.0, 30.0])
def test_turning_angles_are_von_mises_in_the_plane(kb: float) -> None:
    """Kolmogorov-Smirnov against scipy's distribution; mean cosine I₁(kb)/I₀(kb)."""
    ideal = Ideal(dim=2, k=100.0, r0=1.0, kb=kb)
    theta = turning_angles(ideal.grow(20_000, 3, seeded(1))).flatten().double()
    law = vonmises(kb) if kb > 0 else vonmises(1e-12)
    assert kstest(theta.numpy(), law.cdf).pvalue > 1e-3
    assert agree(mean_and_error(theta.cos()), (i1(kb) / i0(kb), 0.0))


@pytest.mark.parametrize("kb", [0.0, 1e-9, 0.3, 1.0, 30.0])
def test_turning_angles_are_fisher_in_space(kb: float) -> None:
    """Its cosine c has density exp(kb c) on [−1, 1]; its mean is the Langevin function of kb."""
    ideal = Ideal(dim=3, k=100.0, r0=1.0, kb=kb)
    cosine = turning_angles(ideal.grow(20_000, 3, seeded(2))).flatten().double().cos()
    up = cosine.numpy() + 1
    quantile = np.expm1(kb * up) / np.expm1(2 * kb) if kb > 1e-6 else up / 2
    langevin = 1 / math.tanh(kb) - 1 / kb if kb > 1e-6 else 0.0
    assert kstest(quantile, uniform.cdf).pvalue > 1e-3
    assert agree(mean_and_error(cosine), (langevin, 0.0))


@pytest.mark.parametrize(("k", "r0"), [(100.0, 1.0), (2.0, 0.5), (0.1, 1.0)])
@DIMS
def test_bond_lengths_carry_the_jacobian(dim: int, k: float, r0: float) -> None:
    """Kolmogorov-Smirnov against the quadrature of r^(dim − 1) exp(−½ k (r − r₀)²)."""
    r = Ideal(dim=dim, k=k, r0=r0, kb=0.0).lengths(20_000, seeded(3)).double().numpy()
    grid = np.linspace(0, r0 + 9 / math.sqrt(k), 20_001)
    density = grid ** (dim - 1) * np.exp(-0.5 * k * (grid - r0) ** 2)
    cdf = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    assert kstest(np.interp(r, grid, cdf / cdf[-1]), uniform.cdf).pvalue > 1e-3


@DIMS
def test_ideal_chains_have_the_closed_form_size(dim: int) -> None:
    """⟨Ree²⟩ = n⟨r²⟩ + 2⟨r⟩² Σ (n − s) cˢ over separations s: bonds decorrelate by c per angle."""
    chain = Ideal(dim=dim, k=20.0, r0=1.0, kb=1.0)
    x = chain.grow(40_000, 16, seeded(4))
    c = i1(1.0) / i0(1.0) if dim == 2 else 1 / math.tanh(1.0) - 1.0

    def moment(power: int) -> float:
        return float(quad(lambda r: r**power * math.exp(-10 * (r - 1) ** 2), 0, 4)[0])

    mean, square = (moment(dim - 1 + p) / moment(dim - 1) for p in (1, 2))
    expected = 15 * square + 2 * mean**2 * sum((15 - s) * c**s for s in range(1, 15))
    assert agree(mean_and_error(end_to_end(x).square()), (expected, 0.0))
