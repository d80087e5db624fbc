"""Laws of noise levels, and of the samplers that follow the probability flow in few steps.

In y = x_t / a and σ = s / a the flow of normal data is known in closed form on every path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor

import zoo
from tests.gaussian import ExplodingSchedule, GaussianField, GaussianPath, moments
from tests.test_samplers import LINEAR, PathSampler, distance, law, walk_network
from zoo.errors import UsageError
from zoo.generative import (
    CosineSchedule,
    Denoiser,
    Schedule,
    StraightSchedule,
    SubVPSchedule,
    VESchedule,
    VPSchedule,
)
from zoo.generative.levels import even_levels, largest, levels
from zoo_plugins.models.cfm import CFM
from zoo_plugins.models.ddpm import DDPM
from zoo_plugins.models.lecture import LectureDDPM
from zoo_plugins.samplers.adams import Adams
from zoo_plugins.samplers.ddim import ddim_step
from zoo_plugins.samplers.dpmpp import DPMSolver
from zoo_plugins.samplers.heun import Heun

DEEP = [CosineSchedule(), StraightSchedule(), VPSchedule(), SubVPSchedule()]
"""Paths that end with more noise than any walk begins with."""

SCHEDULES = [*DEEP, LINEAR, VESchedule(), ExplodingSchedule()]
EVEN = CosineSchedule(last_signal=0.1)
"""The schedule on which even angles are even times, all the way from t = 1."""


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """Walk in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def end_of_flow(model: GaussianPath) -> tuple[Tensor, Tensor]:
    """Mean and variance the exact flow leads to from N(0, 1 + σ²) at the first level."""
    first = largest(model) ** 2
    shrink = torch.sqrt(model.var / (model.var + first))
    return model.mean * (1 - shrink), shrink.square() * (1 + first)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_levels_are_found_on_every_schedule(schedule: Schedule) -> None:
    """At the times that are found s/a is what was asked for, and angles are even down to 0."""
    model = GaussianPath(schedule, *moments(2))
    wanted = largest(model) * torch.tensor([1.0, 0.5, 0.01, 1e-3])
    found = levels(model, wanted)
    c = schedule(found.t)
    torch.testing.assert_close(c.s / c.a, wanted, rtol=1e-3, atol=0)
    torch.testing.assert_close(found.sigma, torch.cat([c.s / c.a, torch.zeros(1)]))
    angles = even_levels(model, 10).sigma.atan()
    assert angles.diff().tolist() == pytest.approx([-float(angles[0]) / 10] * 10, rel=1e-4)
    assert float(angles[0].tan()) == pytest.approx(min(20, float(wanted[0])), rel=1e-4)


@pytest.mark.parametrize("sampler", [Heun(6), DPMSolver(6), Adams(6)])
def test_schedules_do_not_matter(sampler: PathSampler) -> None:
    """Where the model is exact, a walk is the same on all paths that drown the data."""
    first, *others = (law(sampler, GaussianPath(schedule, *moments(4))) for schedule in DEEP)
    for other in others:
        assert distance(first, other) < 1e-4


@pytest.mark.parametrize(
    ("build", "steps", "least", "most"),
    [
        (Heun, 30, 1.95, 2.25),
        # Up to a logarithm: steps in λ do not become small near the data.
        (DPMSolver, 100, 1.5, 2.0),
        (lambda n: Adams(n, 1), 100, 0.95, 1.05),
        (lambda n: Adams(n, 2), 30, 1.9, 2.1),
        (lambda n: Adams(n, 4), 30, 1.9, 2.3),  # whose start is of second order
    ],
)
@pytest.mark.parametrize("schedule", [StraightSchedule(), LINEAR, VESchedule()])
def test_orders_of_convergence(
    schedule: Schedule,
    build: Callable[[int], PathSampler],
    steps: int,
    least: float,
    most: float,
) -> None:
    """Half the step divides the distance from the exact flow by 2 to the order."""
    model = GaussianPath(schedule, *moments(4))
    samplers = (build(n) for n in (steps, 2 * steps))
    coarse, fine = (distance(law(sampler, model), end_of_flow(model)) for sampler in samplers)
    assert fine < 0.01
    assert least < math.log2(coarse / fine) < most


def test_adams_of_order_one_is_euler_in_the_angle() -> None:
    """On the schedule whose angle is time, order 1 is Euler's method on the model's velocity."""
    model = GaussianField(EVEN, *moments(4))
    torch.manual_seed(0)
    x = torch.randn(5, 4)
    for k in range(6):
        x = x - model.velocity(x, torch.tensor(1 - k / 6)) / 6
    torch.manual_seed(0)
    found = Adams(6, order=1).sample(model, 5).flatten(1)
    torch.testing.assert_close(found, x, rtol=1e-5, atol=1e-5)


class Rising(Denoiser):
    """Every state moves with slope (φ₁ − φ)⁴ in the angle φ: slow at the start, where φ = φ₁."""

    size = 4
    first = math.acos(0.1)

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of `EVEN`."""
        return EVEN(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """What gives this slope: (x_t cos φ − x̂) / sin φ."""
        c = self.coefficients(t)
        return c.a * x_t - c.s * (self.first - torch.atan2(c.s, c.a)) ** 4

    def decode(self, x: Tensor) -> Tensor:
        """The same numbers as chains in the plane."""
        return x.reshape(len(x), 2, 2)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_adams_has_its_order_where_the_start_is_slow(order: int) -> None:
    """Where the first steps, with few slopes behind them, miss nothing, errors fall as asked."""

    def error(steps: int) -> float:
        torch.manual_seed(0)
        end = Adams(steps, order).sample(Rising(), 1).flatten()
        torch.manual_seed(0)
        return float((end - torch.randn(1, 4) + Rising.first**5 / 5).abs().max())

    assert math.log2(error(50) / error(100)) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_dpmpp_begins_and_ends_as_ddim(schedule: Schedule) -> None:
    """Its first step and its last are plain: two steps are two of DDIM at the same times."""
    model = GaussianPath(schedule, *moments(4))
    walk = even_levels(model, 2)
    torch.manual_seed(0)
    x = walk.a[0] * walk.start(5)
    for t, r in pairwise([*walk.t, torch.zeros(())]):
        x = ddim_step(model, x, t, r)
    torch.manual_seed(0)
    torch.testing.assert_close(DPMSolver(2).sample(model, 5).flatten(1), x)


def test_dpmpp_looks_half_a_step_ahead() -> None:
    """A posterior mean that grows as log(a/s) is used at its value in the middle of a step."""
    model, middles = GaussianPath(EVEN, *moments(2)), []
    lambdas = -even_levels(model, 5).sigma[:-1].log()

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        c = EVEN(t)
        return (c.a / c.s).log().expand_as(x_t)

    def lerp(middle: Tensor, y: Tensor, ratio: Tensor) -> Tensor:
        middles.append(float(middle[0, 0]))
        return middle + ratio * (y - middle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "denoise", denoise)
        patch.setattr(torch, "lerp", lerp)
        DPMSolver(5).sample(model, 3)
    between = ((lambdas[1:-1] + lambdas[2:]) / 2).tolist()
    expected = [float(lambdas[0]), *between, float(lambdas[-1])]
    assert middles == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rho", [1.0, 7.0])
def test_heun_walks_through_the_levels_of_karras(rho: float) -> None:
    """Each level but the last is looked at when it is reached, and again when it is left."""
    model, seen = GaussianPath(StraightSchedule(), *moments(2)), []

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(float(t / (1 - t)))
        return torch.zeros_like(x_t)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "denoise", denoise)
        Heun(5, rho).sample(model, 3)
    high, low = 20 ** (1 / rho), 0.01 ** (1 / rho)
    levels = [(high + i / 4 * (low - high)) ** rho for i in range(5)]
    expected = [levels[0], *(level for level in levels[1:] for _ in range(2))]
    assert seen == pytest.approx(expected, rel=1e-4)


def test_heun_is_exact_where_the_noise_is_linear() -> None:
    """Where dy/dσ = 1 + 2σ a trapezium is exact, and what is left is the last step's σ²."""
    model = GaussianPath(StraightSchedule(), *moments(2))

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        sigma = t / (1 - t)
        return x_t / (1 - t) - sigma * (1 + 2 * sigma)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "denoise", denoise)
        torch.manual_seed(0)
        x = Heun(4).sample(model, 1).flatten()
    torch.manual_seed(0)
    start = math.sqrt(1 + 20**2) * torch.randn(1, 2).flatten()
    torch.testing.assert_close(x, start - (20 + 20**2) - 0.01**2, rtol=0, atol=1e-3)


@pytest.mark.parametrize("sampler", [Heun(1), DPMSolver(1)])
def test_one_step_is_the_posterior_mean(sampler: PathSampler) -> None:
    """There is nothing better to say after a single look."""
    model = GaussianPath(StraightSchedule(), *moments(4))
    walk = even_levels(model, 1)
    torch.manual_seed(0)
    expected = walk.clean(0, walk.start(5))
    torch.manual_seed(0)
    torch.testing.assert_close(sampler.sample(model, 5).flatten(1), expected)


@pytest.mark.parametrize(
    ("sampler", "calls"),
    [
        (Heun(1), 1),
        (Heun(), 35),
        (DPMSolver(1), 1),
        (DPMSolver(), 20),
        (Adams(1), 1),
        (Adams(), 20),
    ],
)
def test_steps_cost_what_they_say(sampler: PathSampler, calls: int) -> None:
    """One network call a step, or two and one for the last."""
    model = GaussianField(StraightSchedule(), *moments(4))
    assert torch.isfinite(sampler.sample(model, 3)).all()
    assert model.calls == calls


@pytest.mark.parametrize("build", [CFM, DDPM, LectureDDPM])
@pytest.mark.parametrize("sampler", [Heun(3), DPMSolver(3), Adams(5)])
def test_samplers_walk_every_path(
    build: type[CFM | DDPM | LectureDDPM], sampler: PathSampler
) -> None:
    """On untrained networks in single precision: finite, set by the seed, and of the seed only."""
    walk_network(build((6, 2)), sampler)


@pytest.mark.parametrize(
    ("build", "options", "sentence"),
    [
        (Heun, {"steps": 0}, r"heun\[steps=0\]: expected a whole number of at least 1"),
        (Heun, {"rho": 0.0}, r"heun\[rho=0.0\]: expected a number above 0, such as 7"),
        (Heun, {"rho": math.nan}, r"heun\[rho=nan\]: expected a number above 0"),
        (DPMSolver, {"steps": 2.5}, r"dpmpp\[steps=2.5\]: expected a whole number"),
        (Adams, {"steps": 0}, r"adams\[steps=0\]: expected a whole number"),
        (Adams, {"order": 5}, r"adams\[order=5\]: expected 1, 2, 3 or 4"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(
    build: type, options: dict[str, object], sentence: str
) -> None:
    """Before anything runs, and with the value and what was expected."""
    with pytest.raises(UsageError, match=sentence):
        build(**options)
