"""Laws of rational-quadratic splines: monotone, smooth, invertible, with known slopes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.physics import seeded
from zoo.generative import rational_quadratic_spline

BOUND = 3.0
BINS = 5


def parameters(n: int, scale: float = 1.5) -> Tensor:
    """Random parameters of n splines, in double precision."""
    drawn = torch.randn(n, 3 * BINS - 1, generator=seeded(n), dtype=torch.float64)
    return scale * drawn


def points(n: int) -> Tensor:
    """Places over and beyond the square."""
    return torch.linspace(-1.4 * BOUND, 1.4 * BOUND, n, dtype=torch.float64)


def knots(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, heights and slopes at the knots of one spline, from its parameters."""
    least, k = 1e-3, BINS

    def edges(shares: np.ndarray) -> np.ndarray:
        weights = np.exp(shares) / np.exp(shares).sum()
        sizes = least + (1 - least * k) * weights
        return np.concatenate([[-BOUND], -BOUND + 2 * BOUND * np.cumsum(sizes)])

    # softplus is shifted so that a parameter of zero gives a slope of one.
    shifted = theta[2 * k :] + np.log(np.expm1(1 - least))
    inner = least + np.log1p(np.exp(shifted))
    return edges(theta[:k]), edges(theta[k : 2 * k]), np.concatenate([[1.0], inner, [1.0]])


def slowly(x: float, theta: np.ndarray) -> float:
    """Equation 4 of Durkan et al. (2019) for one number, by a search through the bins."""
    if abs(x) >= BOUND:
        return x
    xs, ys, slopes = knots(theta)
    for k in range(BINS):
        if xs[k] <= x <= xs[k + 1]:
            s = (ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k])
            xi = (x - xs[k]) / (xs[k + 1] - xs[k])
            above = (ys[k + 1] - ys[k]) * (s * xi**2 + slopes[k] * xi * (1 - xi))
            below = s + (slopes[k + 1] + slopes[k] - 2 * s) * xi * (1 - xi)
            return float(ys[k] + above / below)
    raise ValueError(x)


def test_spline_is_the_published_formula() -> None:
    """Twenty random splines agree, number by number, with the formula written out slowly."""
    theta = parameters(20)
    for row in theta:
        x = points(61)
        y, _ = rational_quadratic_spline(x, row.expand(61, -1), bound=BOUND)
        expected = [slowly(float(u), row.numpy()) for u in x]
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("scale", [0.1, 1.5, 6.0])
def test_inverse_undoes_forward(scale: float) -> None:
    """There and back again is where one started, and the two log-slopes cancel."""
    x = points(201)[:, None].expand(201, 10)
    theta = parameters(2010, scale).view(201, 10, -1)
    y, there = rational_quadratic_spline(x, theta, bound=BOUND)
    back, again = rational_quadratic_spline(y, theta, bound=BOUND, inverse=True)
    torch.testing.assert_close(back, x, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(again, -there, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("inverse", [False, True])
def test_log_slope_is_that_of_autograd(inverse: bool) -> None:
    """The logarithm of the derivative that automatic differentiation finds, both ways."""
    x = points(400).requires_grad_()
    theta = parameters(400)
    y, log_slope = rational_quadratic_spline(x, theta, bound=BOUND, inverse=inverse)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(log_slope, slope.log())


@pytest.mark.parametrize("inverse", [False, True])
def test_splines_rise_and_stay_in_their_square(inverse: bool) -> None:
    """Each of twenty splines is increasing and maps the square onto itself."""
    x = points(4001)
    inside = x.abs() < BOUND
    for row in parameters(20, 3.0):
        y, _ = rational_quadratic_spline(x, row.expand(4001, -1), bound=BOUND, inverse=inverse)
        assert (y.diff() > 0).all()
        assert (y[inside].abs() < BOUND).all()
        assert torch.equal(y[~inside], x[~inside])


def test_nothing_changes_outside_or_without_parameters() -> None:
    """Beyond the bound, and everywhere for zero parameters, y = x with slope one."""
    zero = torch.zeros(101, 3 * BINS - 1, dtype=torch.float64)
    nothing = torch.zeros(101, dtype=torch.float64)
    for inverse in (False, True):
        y, log_slope = rational_quadratic_spline(points(101), zero, bound=BOUND, inverse=inverse)
        torch.testing.assert_close(y, points(101))
        torch.testing.assert_close(log_slope, nothing)
        far = torch.linspace(BOUND, 5 * BOUND, 101, dtype=torch.float64)
        y, log_slope = rational_quadratic_spline(far, parameters(101), bound=BOUND, inverse=inverse)
        assert torch.equal(y, far)
        assert torch.equal(log_slope, nothing)


def test_slope_is_continuous_and_as_set_at_the_knots() -> None:
    """Just left and right of each inner knot the slope is its parameter; at the bound it is one."""
    for row in parameters(20):
        xs, _, slopes = knots(row.numpy())
        for side in (-1e-9, 1e-9):
            x = torch.tensor(xs + side, dtype=torch.float64)
            _, log_slope = rational_quadratic_spline(x, row.expand(len(x), -1), bound=BOUND)
            np.testing.assert_allclose(log_slope.exp().numpy(), slopes, rtol=1e-4, atol=1e-4)
