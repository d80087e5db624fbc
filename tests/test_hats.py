"""Laws of densities made of hats: normalised, drawn as they say, exact where they are straight."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.physics import seeded
from zoo.generative import Hats

INTERVAL = Hats(-1.0, 2.0, 7)
CIRCLE_OF_SEVEN = Hats(0.0, 7.0, 7, circle=True)
CIRCLE = Hats(-math.pi, math.pi, 9, circle=True)
BOTH = pytest.mark.parametrize("hats", [INTERVAL, CIRCLE], ids=["interval", "circle"])


def weights(hats: Hats) -> Tensor:
    """Logits of any kind, in double precision."""
    return torch.randn(hats.count, generator=seeded(hats.count), dtype=torch.float64)


@BOTH
def test_the_density_integrates_to_one(hats: Hats) -> None:
    """By the trapezoidal rule, which is exact for straight lines between its nodes."""
    nodes = torch.linspace(hats.low, hats.high, 1 + 5 * 7 * 9 * 8, dtype=torch.float64)
    density = hats.log_prob(weights(hats), nodes).exp()
    assert torch.trapezoid(density, nodes).item() == pytest.approx(1, abs=1e-6)


@BOTH
def test_the_density_is_straight_between_knots(hats: Hats) -> None:
    """At a knot it is the knot's weight over the area of its hat, between two their mixture."""
    share = torch.softmax(weights(hats), 0).numpy()
    area = np.full(hats.count, hats.step)
    if not hats.circle:
        area[[0, -1]] /= 2
    places = torch.linspace(hats.low, hats.high - 1e-9, 50, dtype=torch.float64)
    knots = hats.low + hats.step * np.arange(hats.count + hats.circle)
    heights = np.append(share / area, (share / area)[: hats.circle])
    expected = np.interp(places.numpy(), knots, heights)
    found = hats.log_prob(weights(hats), places).exp().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@BOTH
def test_draws_follow_the_density(hats: Hats) -> None:
    """Their distribution function is the density's integral, by Kolmogorov and Smirnov."""
    torch.manual_seed(0)
    n = 20_000
    drawn = hats.draw(weights(hats), (n,))
    if hats.circle:
        drawn = (drawn - hats.low) % (hats.high - hats.low) + hats.low
    assert drawn.min() >= hats.low
    assert drawn.max() <= hats.high
    nodes = torch.linspace(hats.low, hats.high, 20_161, dtype=torch.float64)
    density = hats.log_prob(weights(hats), nodes).exp()
    below = torch.cumulative_trapezoid(density, nodes).numpy()
    expected = np.interp(drawn.sort().values.numpy(), nodes[1:].numpy(), below)
    assert np.abs(expected - (np.arange(n) + 0.5) / n).max() < 1.95 / math.sqrt(n)


def test_an_alias_has_every_knot_as_often_as_it_weighs() -> None:
    """What is made ready for many draws: weights of nothing, of nearly all, and of one part."""
    weights = torch.tensor([0.0, 1e-6, 0.9, 0.05, 0.05 - 1e-6, 0.0, 0.0], dtype=torch.float64)
    n = 200_000
    drawn = CIRCLE_OF_SEVEN.alias(weights.log()).draw((n,), seeded(3))
    near = ((drawn - CIRCLE_OF_SEVEN.low) / CIRCLE_OF_SEVEN.step).round() % 7
    exact = (weights.roll(1) + 6 * weights + weights.roll(-1)) / 8  # of a hat 3/4 is nearest to it
    counts = torch.bincount(near.long(), minlength=7) / n
    torch.testing.assert_close(counts, exact.float(), atol=4 * 0.5 / math.sqrt(n), rtol=0)
    assert counts[6] == 0


def test_every_row_is_drawn_from_its_own_density() -> None:
    """With all weight on one knot each, a number lies beside that knot."""
    torch.manual_seed(0)
    drawn = INTERVAL.draw(1e3 * torch.eye(7))
    assert ((drawn - INTERVAL.knots(drawn)).abs() <= INTERVAL.step).all()


def test_fitted_counts_what_is_near() -> None:
    """Numbers that lie on knots give weights by how many there are, and a half for none."""
    values = torch.tensor([-1.0, -1.0, 2.0, 0.55])
    counts = INTERVAL.fitted(values).exp()
    assert counts.tolist() == pytest.approx([2.5, 0.5, 0.5, 1.5, 0.5, 0.5, 1.5])


def test_there_is_nothing_beyond_an_interval() -> None:
    """Outside, where nothing is drawn, the density is 0; a circle has no outside."""
    beyond = torch.tensor([-1.1, 2.1], dtype=torch.float64)
    assert INTERVAL.log_prob(weights(INTERVAL), beyond).isneginf().all()
    turned = torch.tensor([0.3, 0.3 + 2 * math.pi], dtype=torch.float64)
    first, second = CIRCLE.log_prob(weights(CIRCLE), turned)
    torch.testing.assert_close(first, second)
