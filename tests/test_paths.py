"""Laws of paths: data, noise and velocity say the same thing in three ways."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.gaussian import GaussianField, GaussianPath, flow, moments
from tests.physics import seeded
from zoo.generative import CosineSchedule, LinearBetaSchedule, Schedule, StraightSchedule
from zoo.generative.paths import (
    data_from_noise,
    data_from_velocity,
    noise_from_data,
    velocity_from_data,
)

SCHEDULES = [
    StraightSchedule(),
    CosineSchedule(),
    LinearBetaSchedule(steps=200, first=1e-4, last=0.02),
]
# Inside the pieces of the linear schedule, where its derivative exists.
TIMES = [0.0225, 0.3125, 0.5025, 0.9775]


def normal(n: int, size: int, seed: int) -> Tensor:
    """Normal numbers in double precision."""
    return torch.randn(n, size, generator=seeded(seed), dtype=torch.float64)


def time(t: float) -> Tensor:
    """A time in double precision."""
    return torch.tensor(t, dtype=torch.float64)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("t", TIMES)
def test_conversions_recover_what_a_state_was_mixed_from(schedule: Schedule, t: float) -> None:
    """For x_t = a x + s e and v = a' x + s' e, each conversion finds its member of the three."""
    x, e = normal(5, 4, 0), normal(5, 4, 1)
    c = schedule(time(t))
    x_t, v = c.a * x + c.s * e, c.da * x + c.ds * e
    torch.testing.assert_close(data_from_noise(x_t, e, c), x)
    torch.testing.assert_close(noise_from_data(x_t, x, c), e)
    torch.testing.assert_close(velocity_from_data(x_t, x, c), v)
    torch.testing.assert_close(data_from_velocity(x_t, v, c), x)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("t", TIMES)
def test_conversions_undo_each_other(schedule: Schedule, t: float) -> None:
    """Round trips data → noise → data and data → velocity → data change nothing, for any x_t."""
    x_t, x = normal(5, 4, 2), normal(5, 4, 3)
    c = schedule(time(t))
    torch.testing.assert_close(data_from_noise(x_t, noise_from_data(x_t, x, c), c), x)
    torch.testing.assert_close(data_from_velocity(x_t, velocity_from_data(x_t, x, c), c), x)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("t", TIMES)
def test_one_exact_function_gives_the_other(schedule: Schedule, t: float) -> None:
    """For normal data the velocity from Bayes' rule is that of the flow map, and conversely."""
    path, field = (cls(schedule, *moments(4)) for cls in (GaussianPath, GaussianField))
    x_t = normal(6, 4, 4)
    torch.testing.assert_close(path.velocity(x_t, time(t)), field.velocity(x_t, time(t)))
    torch.testing.assert_close(field.denoise(x_t, time(t)), path.denoise(x_t, time(t)))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("t", TIMES)
def test_velocity_is_the_time_derivative_of_the_flow(schedule: Schedule, t: float) -> None:
    """Central differences of the exact flow of normals give the velocity: its sign and scale."""
    path = GaussianPath(schedule, *moments(4))
    x_t, h = normal(6, 4, 5), 1e-5
    slope = (flow(path, x_t, t, t + h) - flow(path, x_t, t, t - h)) / (2 * h)
    torch.testing.assert_close(path.velocity(x_t, time(t)), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_posterior_mean_is_the_best_guess(schedule: Schedule) -> None:
    """The error of E[x | x_t] is uncorrelated with x_t: no straight line through it is better."""
    path = GaussianPath(schedule, *moments(4))
    n = 200_000
    x = path.mean + path.var.sqrt() * normal(n, 4, 6)
    c = schedule(time(0.5))
    x_t = c.a * x + c.s * normal(n, 4, 7)
    error = x - path.denoise(x_t, time(0.5))
    product = error * (x_t - x_t.mean(0))
    assert (error.mean(0).abs() < 4 * error.std(0) / n**0.5).all()
    assert (product.mean(0).abs() < 4 * product.std(0) / n**0.5).all()
