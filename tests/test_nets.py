"""Laws of the small networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zoo.generative import MLP, TimeFeatures


def test_a_perceptron_is_matrices_with_silu_between() -> None:
    """Multiplying its matrices by hand gives the same numbers; the last layer is linear."""
    torch.manual_seed(0)
    net = MLP(3, 2, width=7, depth=2)
    x = torch.randn(5, 3)
    weights = [p.detach().double().numpy() for p in net.parameters()]
    assert len(weights) == 6
    y = x.double().numpy()
    for matrix, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        y = y @ matrix.T + bias
        y = y / (1 + np.exp(-y))
    y = y @ weights[-2].T + weights[-1]
    np.testing.assert_allclose(net(x).detach().numpy(), y, rtol=1e-4, atol=1e-6)


def test_time_features_span_the_waves_they_promise() -> None:
    """The slowest wave makes half a turn over the unit interval, the fastest `fastest` of them."""
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)
    features = TimeFeatures(8, fastest=16.0)(t)
    cosines = features[:, 4:]
    crossings = (cosines[1:] * cosines[:-1] < 0).sum(dim=0)
    assert crossings[0] == 1
    assert crossings[-1] == 16
    torch.testing.assert_close(features[:, :4] ** 2 + cosines**2, torch.ones_like(cosines))
    assert cosines[2000, 0].item() == pytest.approx(math.cos(math.pi / 2), abs=1e-6)
