"""Laws of the canaries: wrong by exactly what they say."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo.harness.stages import CANARY_NAMES
from zoo.polymer import bond_lengths, center, radius_of_gyration, turning_angles
from zoo.polymer.canaries import CANARIES, COPY_NOISE, Canary, blurred, copied, expanded, truncated
from zoo.polymer.chain import Chain


@pytest.fixture(scope="module")
def truth() -> Tensor:
    """20,000 true conformations."""
    return Chain().sample(20_000, torch.Generator().manual_seed(0))


def test_the_names_are_those_that_stages_know() -> None:
    """Planning names canaries without importing torch; both lists are the same."""
    assert tuple(canary.name for canary in CANARIES) == CANARY_NAMES


def test_expansion_multiplies_every_length(truth: Tensor) -> None:
    """Rg and bonds grow by the same factor, angles stay."""
    x = expanded(truth, truth, 500, 0.05)
    torch.testing.assert_close(radius_of_gyration(x), 1.05 * radius_of_gyration(truth[:500]))
    torch.testing.assert_close(turning_angles(x), turning_angles(truth[:500]), atol=1e-4, rtol=0)


def test_blur_adds_variance_to_bonds_and_keeps_angles(truth: Tensor) -> None:
    """Bond variances add: s² + 0.1²; directions stay."""
    torch.manual_seed(0)
    x = blurred(truth, truth, 10_000, 0.05)
    before, after = bond_lengths(truth[:10_000]), bond_lengths(x)
    expected = math.hypot(float(before.std()), 0.05)
    assert float(after.std()) == pytest.approx(expected, rel=0.01)
    assert float(after.mean()) == pytest.approx(float(before.mean()), abs=0.002)
    torch.testing.assert_close(turning_angles(x), turning_angles(truth[:10_000]), atol=1e-3, rtol=0)


def test_truncation_takes_the_compact_tail(truth: Tensor) -> None:
    """The 10% quantile of Rg becomes the minimum, and nothing else is touched."""
    x = truncated(truth, truth, 10_000, 0.1)
    radii = radius_of_gyration(truth)
    assert len(x) == 10_000
    assert float(radius_of_gyration(x).min()) >= float(radii.quantile(0.1)) - 1e-6
    assert float((radii < radius_of_gyration(x).min()).double().mean()) == pytest.approx(
        0.1, abs=0.002
    )


def test_copies_are_training_conformations_but_for_the_noise(truth: Tensor) -> None:
    """By the best rotation and order of beads, each copy lies the noise away from one of them."""
    torch.manual_seed(0)
    train = truth[:50]
    x = copied(truth[50:], train, 100, 0.5)
    a, b = center(x), center(torch.cat([train, train.flip(1)]))
    # Kabsch: the least squared distance over rotations and reflections is |a|² + |b|² − 2 Σσ.
    singular = torch.linalg.svdvals(torch.einsum("nki,mkj->nmij", a, b)).sum(dim=-1)
    squared = a.square().sum((1, 2))[:, None] + b.square().sum((1, 2)) - 2 * singular
    nearest = squared.clamp(min=0).amin(dim=1).div(24).sqrt()
    assert float(nearest[:50].mean()) == pytest.approx(COPY_NOISE * math.sqrt(21 / 24), rel=0.1)
    assert float(nearest[50:].min()) > 4 * COPY_NOISE


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_canaries_keep_the_number_and_shape(canary: Canary, truth: Tensor) -> None:
    """As many conformations as asked for come back, from the least pool too."""
    for strength in canary.strengths:
        x = canary.spoil(truth[:2_000], truth[:300], 1_000, strength)
        assert x.shape == (1_000, 12, 2)
