"""Laws of the tests of two samples, of variety, and of the features they look at."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import ks_2samp, wasserstein_distance
from torch import Tensor

import zoo
from tests.physics import seeded
from zoo.polymer import bond_lengths, pair_distances, random_rotations, rotate
from zoo.polymer.chain import Chain
from zoo_plugins.metrics.features import (
    equally_many,
    invariants,
    mirrored_pairs,
    squared_distances,
    standardize,
)
from zoo_plugins.metrics.twosample import C2ST, MMD, SlicedW1
from zoo_plugins.metrics.variety import Coverage, Diversity


@pytest.fixture(scope="module")
def truth() -> Tensor:
    """16,000 true conformations."""
    return Chain().sample(16_000, seeded(5))


@pytest.fixture(scope="module")
def data(truth: Tensor) -> zoo.Data:
    """5,000 of them to test on, from the 11,000th on."""
    return zoo.Data(train=truth[:10], test=truth[11_000:])


def by_hand(x: Tensor) -> npt.NDArray[np.float64]:
    """Mean and half difference of each pair and its mirror image, in a loop over pairs."""
    y, last = x.double().numpy(), x.shape[1] - 1
    columns = []
    for i in range(last):
        for j in range(i + 1, last + 1):
            one = np.linalg.norm(y[:, i] - y[:, j], axis=-1)
            two = np.linalg.norm(y[:, last - i] - y[:, last - j], axis=-1)
            if i + j <= last:
                columns.append((one + two) / 2)
            if i + j < last:
                columns.append(np.abs(one - two) / 2)
    return np.stack(columns, axis=1)


def joined(a: Tensor, b: Tensor) -> Tensor:
    """First halves of some chains and second halves of others, with the others' middle bond."""
    turned = rotate(b, random_rotations(len(b), 2, generator=seeded(6)))
    return torch.cat([a[:, :6], turned[:, 6:] - turned[:, 5:6] + a[:, 5:6]], dim=1)


def test_features_are_those_by_hand(truth: Tensor) -> None:
    """The same columns, in another order, for even and odd numbers of beads."""
    for x in (truth[:50], truth[:50, :9]):
        found = invariants(x).double().numpy()
        np.testing.assert_allclose(np.sort(found), np.sort(by_hand(x)), rtol=1e-4, atol=1e-5)
        mirrored = pair_distances(x)[:, mirrored_pairs(x.shape[1])]
        torch.testing.assert_close(mirrored, pair_distances(x.flip(1)))


def test_features_are_scaled_by_the_test_set(truth: Tensor) -> None:
    """`numpy` on the test set, the same shift and scale for the drawn; a constant keeps its own."""
    drawn, test = torch.rand(30, 3), torch.rand(40, 3)
    test[:, 2] = 0.25
    spread = np.append(test[:, :2].double().numpy().std(axis=0, ddof=1), 1.0)
    found, _ = standardize(drawn, test)
    expected = (drawn.numpy() - test.double().numpy().mean(axis=0)) / spread
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert standardize(1e9 * drawn, test, cut=5.0)[0].abs().max() == 5.0
    a, b = truth[:7].flatten(1), truth[7:12].flatten(1)
    torch.testing.assert_close(squared_distances(a, b).sqrt(), torch.cdist(a, b))


def test_one_failed_conformation_marks_all() -> None:
    """Beyond what is looked at as well; and as many of either set are taken."""
    x = torch.zeros(9, 2, 2)
    assert [len(part) for part in equally_many(x, x[:5], 7)] == [5, 5]
    x[8, 1, 1] = math.nan
    assert equally_many(x, x[:5], 3)[0].isnan().all()


def test_classifier_finds_what_a_threshold_finds(truth: Tensor, data: zoo.Data) -> None:
    """The best threshold on one number errs by (1 − KS)/2; the classifier sees them all."""
    x = 1.05 * truth[:5_000]
    gap = ks_2samp(bond_lengths(x).mean(dim=1), bond_lengths(data.test).mean(dim=1)).statistic
    threshold = (1 + gap) / 2
    assert threshold > 0.7
    assert C2ST().compute(zoo.Drawn(x), data) > threshold - 0.01


def test_classifier_finds_halves_of_different_chains(truth: Tensor, data: zoo.Data) -> None:
    """Either half is true, the whole is not; and what cannot be told is guessed."""
    halves = joined(truth[:5_000], truth[5_000:10_000])
    assert C2ST().compute(zoo.Drawn(halves), data) > 0.6
    values = [
        C2ST().compute(zoo.Drawn(truth[i : i + 1_000]), zoo.Data(truth[:1], truth[i + 1_000 :]))
        for i in range(0, 10_000, 1_000)
    ]
    assert np.mean(values) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(10_000))


def test_classifier_tells_what_is_nothing_alike(truth: Tensor, data: zoo.Data) -> None:
    """Chains blown up or collapsed to a point are told every time."""
    for factor in (0.0, 1e3, 1e15):
        assert C2ST().compute(zoo.Drawn(factor * truth[:2_000]), data) > 0.999


def test_sliced_distance_of_dimers_is_that_of_scipy() -> None:
    """Two beads have one distance, and one dimension has one direction."""
    drawn, test = (Chain(beads=2, k=k).sample(400, seeded(7)) for k in (30.0, 100.0))
    a, b = bond_lengths(drawn).flatten().numpy(), bond_lengths(test).flatten().numpy()
    expected = wasserstein_distance(a, b) / b.std(ddof=1)
    value = SlicedW1().compute(zoo.Drawn(drawn), zoo.Data(test, test))
    assert value == pytest.approx(expected, rel=1e-4)


def test_sliced_distance_hardly_depends_on_the_directions(truth: Tensor, data: zoo.Data) -> None:
    """`scipy` along 100 other directions: the same mean within the spread between directions."""
    x = 1.1 * truth[:1_000]
    test = by_hand(data.test[:1_000])
    a, b = ((by_hand(y) - test.mean(axis=0)) / test.std(axis=0) for y in (x, data.test[:1_000]))
    ways = np.random.default_rng(0).normal(size=(100, a.shape[1]))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    values = [wasserstein_distance(a @ way, b @ way) for way in ways]
    error = float(np.std(values)) * math.hypot(1 / math.sqrt(100), 1 / math.sqrt(50))
    found = SlicedW1().compute(zoo.Drawn(x), zoo.Data(data.train, data.test[:1_000]))
    assert found == pytest.approx(np.mean(values), abs=4 * error)
    few = SlicedW1(directions=1).compute(zoo.Drawn(x), zoo.Data(data.train, data.test[:1_000]))
    assert min(values) / 2 < few < 2 * max(values)


def test_discrepancy_is_that_of_a_double_loop(truth: Tensor) -> None:
    """Kernels one by one in double precision, diagonal included, width by the median."""
    drawn, test = 1.2 * truth[:43], truth[100:143]
    shift, scale = by_hand(test).mean(axis=0), by_hand(test).std(axis=0, ddof=1)
    a, b = ((by_hand(x) - shift) / scale for x in (drawn, test))
    a, b = a.clip(-5, 5), b.clip(-5, 5)
    width = np.median([np.linalg.norm(b[i] - b[j]) for i in range(43) for j in range(i)])

    def mean(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> float:
        kernel = [np.exp(-np.sum((p - q) ** 2) / (2 * width**2)) for p in u for q in v]
        return float(np.mean(kernel))

    expected = math.sqrt(mean(a, a) + mean(b, b) - 2 * mean(a, b))
    assert MMD().compute(zoo.Drawn(drawn), zoo.Data(test, test)) == pytest.approx(
        expected, rel=1e-4
    )


def test_discrepancy_is_bounded(truth: Tensor, data: zoo.Data) -> None:
    """None from itself; one repeated chain far from all: √(1 + mean kernel of the truth)."""
    assert MMD().compute(zoo.Drawn(data.test), data) < 1e-3
    far = MMD().compute(zoo.Drawn(30 * truth[:1].expand(2_000, -1, -1)), data)
    assert 1.0 < far < math.sqrt(2)


def test_coverage_is_that_of_a_full_search(truth: Tensor) -> None:
    """k-th nearest others and nearest drawn from sorted lists, in double precision."""
    drawn, test = joined(truth[:150], truth[200:350]).double(), truth[400:550].double()
    a, b = by_hand(drawn), by_hand(test)
    for k in (1, 5):
        covered = 0
        for i in range(len(b)):
            others = sorted(np.linalg.norm(np.delete(b, i, axis=0) - b[i], axis=1))
            covered += np.linalg.norm(a - b[i], axis=1).min() <= others[k - 1]
        value = Coverage(k=k).compute(zoo.Drawn(drawn), zoo.Data(test, test))
        assert value == pytest.approx(covered / len(b))


def test_coverage_misses_what_is_left_out(truth: Tensor, data: zoo.Data) -> None:
    """Only the larger half of the chains is drawn: about half of the test is covered."""
    ends = (truth[:11_000, 0] - truth[:11_000, -1]).norm(dim=-1)
    large = truth[:11_000][ends > ends.median()]
    found = Coverage().compute(zoo.Drawn(large), data)
    assert 0.5 < found < 0.9
    assert Coverage().compute(zoo.Drawn(100 * large), data) == 0.0


def test_diversity_is_a_ratio_of_mean_distances(truth: Tensor) -> None:
    """From all pairs by hand."""
    drawn, test = truth[:60].clone(), truth[100:160]
    drawn[:, :6] = drawn[:, :6] * 1.5

    def mean(x: Tensor) -> float:
        y = by_hand(x)
        return float(np.mean([np.linalg.norm(y[i] - y[j]) for i in range(60) for j in range(i)]))

    value = Diversity().compute(zoo.Drawn(drawn), zoo.Data(test, test))
    assert value == pytest.approx(mean(drawn) / mean(test), rel=1e-4)


def test_diversity_falls_when_a_few_are_repeated(truth: Tensor) -> None:
    """Each of m chains r times: of mr − 1 partners r − 1 are copies, at no distance."""
    m, r = 8, 50
    few = truth[:m].repeat(r, 1, 1)
    value = Diversity().compute(zoo.Drawn(few), zoo.Data(few, truth[100:500]))
    alone = Diversity().compute(zoo.Drawn(truth[:m]), zoo.Data(few, truth[100 : 100 + m]))
    usual = Diversity().compute(
        zoo.Drawn(truth[100:500]), zoo.Data(few, truth[100 : 100 + m].repeat(r, 1, 1))
    )
    different = (m * r - r) / (m * r - 1)
    assert value * usual == pytest.approx(alone, rel=1e-3)
    assert value == pytest.approx(different, rel=0.15)
