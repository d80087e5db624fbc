"""Laws that every metric of shapes and structure obeys."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import zoo
from tests.physics import seeded
from zoo.polymer import random_rotations, rotate
from zoo.polymer.chain import Chain
from zoo_plugins.metrics.moments import RgMean
from zoo_plugins.metrics.structure import ContactMap, FormFactor, InternalScaling
from zoo_plugins.metrics.twosample import C2ST, MMD, SlicedW1
from zoo_plugins.metrics.variety import Coverage, Diversity

# With what truth scores against truth, at 6,000 conformations of either.
ALL: list[tuple[zoo.Metric, float, float]] = [
    (C2ST(), 0.5, 0.03),
    (SlicedW1(), 0.0, 0.06),
    (MMD(), 0.0, 0.035),
    (ContactMap(), 0.0, 0.006),
    (FormFactor(), 0.0, 0.01),
    (InternalScaling(), 0.0, 0.03),
    (Coverage(), 1 - 2**-5, 0.02),
    (Diversity(), 1.0, 0.07),
    (RgMean(), 2.503, 0.02),
]
every = pytest.mark.parametrize(
    ("metric", "best", "noise"), ALL, ids=[type(line[0]).__name__ for line in ALL]
)


@pytest.fixture(scope="module")
def truth() -> Tensor:
    """12,000 true conformations."""
    return Chain().sample(12_000, seeded(1))


@pytest.fixture(scope="module")
def data(truth: Tensor) -> zoo.Data:
    """6,000 of them to test on."""
    return zoo.Data(train=truth[:10], test=truth[6_000:])


@every
def test_truth_scores_as_truth(
    metric: zoo.Metric, best: float, noise: float, truth: Tensor, data: zoo.Data
) -> None:
    """Fresh true conformations differ from the test set by sampling noise alone."""
    assert metric.compute(zoo.Drawn(truth[:6_000]), data) == pytest.approx(best, abs=noise)


@every
def test_what_the_truth_cannot_tell_no_metric_tells(
    metric: zoo.Metric, best: float, noise: float, truth: Tensor, data: zoo.Data
) -> None:
    """Each conformation turned, mirrored, shifted and reversed by itself: the same value."""
    del best, noise
    x = 1.03 * truth[:6_000]
    rotations = random_rotations(len(x), 2, generator=seeded(2))
    turned = rotate(x, rotations) * torch.tensor([1.0, -1.0]) + torch.tensor([1.5, -0.5])
    turned[::2] = turned[::2].flip(1)
    value = metric.compute(zoo.Drawn(x), data)
    assert metric.compute(zoo.Drawn(turned), data) == pytest.approx(value, rel=2e-3, abs=1e-5)
