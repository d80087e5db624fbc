"""Laws of the metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, wasserstein_distance
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.polymer import augment, bond_lengths, end_to_end, radius_of_gyration, turning_angles
from zoo.polymer.chain import Chain
from zoo_plugins.metrics.distances import kolmogorov_smirnov, wasserstein1
from zoo_plugins.metrics.energy import ClashFraction, EnergyW1
from zoo_plugins.metrics.memorization import Memorization, nearest_distances
from zoo_plugins.metrics.moments import RgMeanError, RgStdError
from zoo_plugins.metrics.observables import (
    AngleW1,
    BondW1,
    ContactW1,
    EndToEndW1,
    RgKS,
    RgW1,
)

CHAIN = Chain()
ALL: list[zoo.Metric] = [
    RgW1(),
    RgKS(),
    EndToEndW1(),
    BondW1(),
    AngleW1(),
    ContactW1(),
    RgMeanError(),
    RgStdError(),
    EnergyW1(),
    ClashFraction(),
    Memorization(),
]


@pytest.fixture(scope="module")
def truth() -> Tensor:
    """12,000 true conformations."""
    return CHAIN.sample(12_000, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def data(truth: Tensor) -> zoo.Data:
    """5,000 of them to train on, 3,000 to test on; 4,000 are left."""
    return zoo.Data(train=truth[:5_000], test=truth[5_000:8_000], energy=CHAIN.energy)


@pytest.mark.parametrize(("n", "m"), [(100, 100), (100, 37), (1, 50)])
def test_distances_are_those_of_scipy(n: int, m: int) -> None:
    """`scipy.stats` on samples of equal and unequal sizes, with ties."""
    generator = torch.Generator().manual_seed(n + m)
    a = torch.randn(n, generator=generator, dtype=torch.float64).round(decimals=1)
    b = torch.randn(m, generator=generator, dtype=torch.float64).round(decimals=1) + 0.3
    assert wasserstein1(a, b) == pytest.approx(wasserstein_distance(a.numpy(), b.numpy()))
    assert kolmogorov_smirnov(a, b) == pytest.approx(ks_2samp(a.numpy(), b.numpy()).statistic)


def test_observables_are_pooled_and_scaled_as_documented(truth: Tensor, data: zoo.Data) -> None:
    """The same numbers from scipy, on conformations that are wrong on purpose."""
    x = truth[8_000:9_500] * 1.1
    drawn = zoo.Drawn(x)

    def w1(measure: object, unit: float = 1.0) -> float:
        assert callable(measure)
        a, b = measure(x).flatten().numpy(), measure(data.test).flatten().numpy()
        return float(wasserstein_distance(a, b)) / unit

    rg, ree = radius_of_gyration(data.test), end_to_end(data.test)
    assert RgW1().compute(drawn, data) == pytest.approx(
        w1(radius_of_gyration, float(rg.std())), rel=1e-5
    )
    assert EndToEndW1().compute(drawn, data) == pytest.approx(
        w1(end_to_end, float(ree.std())), rel=1e-5
    )
    assert BondW1().compute(drawn, data) == pytest.approx(w1(bond_lengths), rel=1e-5)
    assert AngleW1().compute(drawn, data) == pytest.approx(w1(turning_angles), rel=1e-5)


def test_scaling_the_test_set_shows_in_every_metric_of_size(data: zoo.Data) -> None:
    """Scaled by 1 + δ: bonds off by δ · mean, mean and spread of Rg by δ, contacts by δ · mean."""
    drawn = zoo.Drawn(1.125 * data.test)
    assert RgMeanError().compute(drawn, data) == pytest.approx(0.125, rel=1e-4)
    assert RgStdError().compute(drawn, data) == pytest.approx(0.125, rel=1e-4)
    mean_bond = bond_lengths(data.test).mean().item()
    assert BondW1().compute(drawn, data) == pytest.approx(0.125 * mean_bond, rel=1e-4)
    smaller = zoo.Drawn(0.875 * data.test)
    assert RgMeanError().compute(smaller, data) == pytest.approx(0.125, rel=1e-4)


def test_truth_is_near_the_best_value_of_every_metric(truth: Tensor, data: zoo.Data) -> None:
    """Fresh true conformations differ from the test set by sampling noise alone."""
    drawn = zoo.Drawn(truth[8_000:11_000])
    ceilings = [0.08, 0.05, 0.08, 0.003, 0.02, 0.02, 0.015, 0.08, 0.3, 0.0]
    for metric, ceiling in zip(ALL, ceilings, strict=False):
        assert metric.compute(drawn, data) <= ceiling, metric


def test_one_sided_turns_are_caught(truth: Tensor, data: zoo.Data) -> None:
    """Signed angles: a model that draws spirals of one handedness is not the truth."""
    angles = turning_angles(truth[8_000:]).abs()
    heading = torch.cat([torch.zeros(len(angles), 1), angles.cumsum(dim=1)], dim=1)
    steps = torch.stack([heading.cos(), heading.sin()], dim=-1)
    spiral = torch.cat([torch.zeros(len(angles), 1, 2), steps.cumsum(dim=1)], dim=1)
    expected = 2 * angles.mean().item() / 2  # half of the mass moves from −θ to θ
    assert AngleW1().compute(zoo.Drawn(spiral), data) == pytest.approx(expected, rel=0.05)


def test_one_clash_does_not_decide_the_energy(truth: Tensor, data: zoo.Data) -> None:
    """A single collapsed chain among n moves the score by at most ceiling · beads / n."""
    x = truth[8_000:11_000].clone()
    before = EnergyW1().compute(zoo.Drawn(x), data)
    x[0] = 0.0
    after = EnergyW1().compute(zoo.Drawn(x), data)
    assert math.isfinite(after)
    assert abs(after - before) <= 10.0 * 12 / 3_000
    x[:] = 0.0
    mean = CHAIN.energy(data.test).mean().item()
    assert EnergyW1().compute(zoo.Drawn(x), data) == pytest.approx(120 - mean, rel=1e-4)


def test_energy_needs_a_dataset_that_knows_it(data: zoo.Data) -> None:
    """Otherwise the message names what is missing."""
    with pytest.raises(UsageError, match="no energy"):
        EnergyW1().compute(zoo.Drawn(data.test), zoo.Data(train=data.train, test=data.test))


def test_clashes_are_counted(truth: Tensor, data: zoo.Data) -> None:
    """Two of ten chains with their ends put together: 0.2; true chains: 0."""
    x = truth[8_000:8_010].clone()
    assert ClashFraction().compute(zoo.Drawn(x), data) == 0.0
    x[:2, -1] = x[:2, 0] + 0.1
    assert ClashFraction().compute(zoo.Drawn(x), data) == pytest.approx(0.2)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: type(metric).__name__)
def test_not_a_number_never_scores(metric: zoo.Metric, truth: Tensor, data: zoo.Data) -> None:
    """One NaN coordinate in one of 600 conformations makes every metric NaN."""
    x = truth[8_000:8_600].clone()
    x[300, 0, 0] = math.nan
    assert math.isnan(metric.compute(zoo.Drawn(x), data))


def test_copies_are_caught_however_they_are_turned(truth: Tensor, data: zoo.Data) -> None:
    """Rotated, mirrored and reversed copies score 0; fresh truth scores 1 within its noise."""
    torch.manual_seed(0)
    copies = augment(data.train[:500]) + 3.0
    assert Memorization().compute(zoo.Drawn(copies), data) < 1e-4
    fresh = Memorization().compute(zoo.Drawn(truth[8_000:9_000]), data)
    assert fresh == pytest.approx(1.0, abs=0.08)


def test_nearest_distances_are_those_of_a_full_search(truth: Tensor) -> None:
    """Every pair in double precision, in both bead orders, without matrix products."""
    x, train = truth[:40], truth[40:340]
    i, j = np.triu_indices(12, 1)

    def distances(y: Tensor) -> np.ndarray:
        z = y.double().numpy()
        return np.asarray(np.linalg.norm(z[:, i] - z[:, j], axis=-1))

    other = distances(train)[None]
    both = [distances(y)[:, None] - other for y in (x, x.flip(1))]
    expected = np.minimum(*(np.sqrt((d**2).mean(axis=-1)).min(axis=1) for d in both))
    found = nearest_distances(x, train, at_once=64)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)
