"""Laws of schedules: derivatives are derivatives, and the ends are data and noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zoo.generative import (
    CosineSchedule,
    LinearBetaSchedule,
    Schedule,
    StraightSchedule,
    SubVPSchedule,
    VESchedule,
    VPSchedule,
)

LINEAR = LinearBetaSchedule(steps=200, first=1e-4, last=0.02)
PRESERVING = [CosineSchedule(), CosineSchedule(last_signal=0.3), LINEAR, VPSchedule()]
SCHEDULES = [StraightSchedule(), *PRESERVING, SubVPSchedule(), VESchedule()]


def times(n: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Times in (0, 1), between the steps of the linear schedule."""
    return (torch.arange(n, dtype=dtype) + 0.37) / n


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_derivatives_are_those_of_autograd(schedule: Schedule) -> None:
    """Slopes a' and s' in closed form equal what automatic differentiation finds from a and s."""
    t = times(200).requires_grad_()
    c = schedule(t)
    (da,) = torch.autograd.grad((c.a + 0 * t).sum(), t, retain_graph=True)
    (ds,) = torch.autograd.grad(c.s.sum(), t)
    torch.testing.assert_close(c.da, da)
    torch.testing.assert_close(c.ds, ds)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_time_zero_is_data_and_signal_only_falls(schedule: Schedule, dtype: torch.dtype) -> None:
    """a(0) = 1 and s(0) = 0; a falls or is 1, and s never shrinks, in the dtype of the times."""
    c = schedule(torch.linspace(0, 1, 2001, dtype=dtype))
    assert c.a.dtype == c.s.dtype == dtype
    assert c.a[0] == 1
    assert c.s[0] == 0
    assert (c.a.diff() < 0).all() or (c.a == 1).all()
    # At the end of its quarter the sine is flat to the last digit.
    assert (c.s.diff() >= 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_coefficients_do_not_mind_how_times_are_batched(schedule: Schedule) -> None:
    """A time by itself has the coefficients it has in a column of times."""
    t = times(7)
    columns = schedule(t[:, None])
    for k, one in enumerate(t):
        for alone, batched in zip(schedule(one), columns, strict=True):
            torch.testing.assert_close(alone, batched[k, 0])


def test_straight_paths_are_straight() -> None:
    """Signal and noise always sum to one, and so their derivatives to zero."""
    c = StraightSchedule()(times(50))
    torch.testing.assert_close(c.a + c.s, torch.ones(50, dtype=torch.float64))
    torch.testing.assert_close(c.da + c.ds, torch.zeros(50, dtype=torch.float64))


@pytest.mark.parametrize("schedule", PRESERVING)
def test_variance_is_preserved(schedule: Schedule) -> None:
    """a² + s² = 1 at all times, so a a' + s s' = 0."""
    c = schedule(times(50))
    torch.testing.assert_close(c.a.square() + c.s.square(), torch.ones(50, dtype=torch.float64))
    drift = c.a * c.da + c.s * c.ds
    torch.testing.assert_close(drift, torch.zeros(50, dtype=torch.float64))


@pytest.mark.parametrize("last_signal", [0.01, 0.3])
def test_cosine_ends_with_the_signal_asked_for(last_signal: float) -> None:
    """a(1) is `last_signal`, and the angle grows evenly: a(1/2) is the cosine of half of it."""
    c = CosineSchedule(last_signal)(torch.tensor([0.5, 1.0], dtype=torch.float64))
    half = ((1 + last_signal) / 2) ** 0.5  # half-angle formula
    assert c.a.tolist() == pytest.approx([half, last_signal])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", [3, 200, 1000])
def test_linear_beta_meets_the_running_product_at_its_steps(steps: int, dtype: torch.dtype) -> None:
    """At t = k / T, a² is (1 − β₁) … (1 − βₖ), multiplied out one by one."""
    first, last = 1e-4, 0.02
    schedule = LinearBetaSchedule(steps=steps, first=first, last=last)
    product, expected = 1.0, [1.0]
    for k in range(steps):
        product *= 1 - (first + (last - first) * k / (steps - 1))
        expected.append(product)
    grid = torch.linspace(1.0, 0.0, steps + 1, dtype=dtype).flip(0)  # as samplers make it
    found = schedule(grid).a.square().double()
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_linear_beta_is_continuous_with_geometric_means_between() -> None:
    """Approached from both sides the coefficients agree; midway ᾱ is √(ᾱₖ ᾱₖ₊₁)."""
    k = torch.arange(1, 200, dtype=torch.float64)
    before, after = LINEAR((k - 1e-6) / 200), LINEAR((k + 1e-6) / 200)
    torch.testing.assert_close(before.a, after.a, rtol=0, atol=1e-7)
    torch.testing.assert_close(before.s, after.s, rtol=0, atol=1e-6)
    at, then, between = (LINEAR(u / 200).a for u in (k, k + 1, k + 0.5))
    torch.testing.assert_close(between.square(), at * then)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linear_beta_at_a_step_moves_as_the_piece_that_ends_there(dtype: torch.dtype) -> None:
    """The slope of log ᾱ at t = k / T is T log(1 − βₖ), in spite of rounding."""
    grid = torch.linspace(1.0, 0.0, 201, dtype=dtype)[:-1].flip(0)
    c = LINEAR(grid)
    betas = torch.linspace(1e-4, 0.02, 200, dtype=torch.float64)
    slope = (2 * c.da / c.a).double()
    torch.testing.assert_close(slope, 200 * torch.log1p(-betas), rtol=1e-5, atol=1e-6)


def variance(drift: float, diffusion: Tensor, t: Tensor) -> Tensor:
    """Variance at t = 1 of dx = −½ drift·β x dt + √diffusion dw from x = 0, by quadrature.

    It is ∫ exp(−drift ∫ₜ¹ β) diffusion(t) dt, with β = 0.1 + 19.9 t.
    """
    rest = 0.1 * (1 - t) + 9.95 * (1 - t.square())
    return torch.trapezoid(torch.exp(-drift * rest) * diffusion, t)


def test_noise_is_what_the_equations_of_song_add_up_to() -> None:
    """s(1)² is the variance of each SDE started at 0: by quadrature of drift and diffusion.

    VP: −½βx and β; sub-VP: −½βx and β(1 − exp(−2∫β)); VE: none and d(σ²)/dt.
    """
    t = torch.linspace(0, 1, 200_001, dtype=torch.float64)
    one, beta, done = t[-1], 0.1 + 19.9 * t, 0.1 * t + 9.95 * t.square()
    spread = 0.01 * 1000**t
    expected = {
        VPSchedule(): variance(1, beta, t),
        SubVPSchedule(): variance(1, beta * -torch.expm1(-2 * done), t),
        VESchedule(): variance(0, 2 * torch.tensor(1000.0).log() * spread.square(), t),
    }
    for schedule, value in expected.items():
        torch.testing.assert_close(schedule(one).s.square(), value, rtol=1e-5, atol=0)


def test_an_sde_forgets_data_at_the_rate_of_its_drift() -> None:
    """The rate a' / a is −β/2 for VP and sub-VP, β from `first` to `last`; VE forgets none."""
    t = times(20)
    beta = 1 + 3 * t
    for schedule in (VPSchedule(first=1, last=4), SubVPSchedule(first=1, last=4)):
        c = schedule(t)
        torch.testing.assert_close(c.da / c.a, -beta / 2)
    assert not VESchedule()(t).da.any()


def test_sub_vp_has_less_noise_than_vp() -> None:
    """Its variance is the square of VP's: (1 − a²)², below 1 − a² at all times."""
    t = times(50)
    vp, sub = VPSchedule()(t), SubVPSchedule()(t)
    torch.testing.assert_close(sub.s.square(), vp.s.square().square())
    assert (sub.s < vp.s).all()
