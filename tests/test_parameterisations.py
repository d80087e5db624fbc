"""Laws of what a path model predicts: four names for one optimum, and losses that differ."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.gaussian import GaussianPath
from tests.physics import seeded
from zoo.errors import UsageError
from zoo.generative import CosineSchedule, LinearBetaSchedule, Schedule, StraightSchedule
from zoo.generative.paths import data_from_mean, mean_from_data
from zoo.generative.schedules import ZeroTerminalSchedule
from zoo.polymer import augment
from zoo.polymer.chain import Chain
from zoo_plugins.models.ddpm import DDPM, Predicts
from zoo_plugins.models.networks import Noised

PREDICTS: list[Predicts] = ["noise", "data", "velocity", "mean"]
LECTURE = LinearBetaSchedule(steps=200, first=1e-4, last=0.02)
MEAN = torch.tensor([-0.7, 0.4], dtype=torch.float64)
VAR = torch.tensor([0.3, 2.2], dtype=torch.float64)


class Affine(nn.Module):
    """A network that is as simple as the answer for normal data: x W + b, at a single time."""

    weights = torch.zeros(6, dtype=torch.float64)

    def forward(self, z: Tensor, *_: Tensor | None) -> Tensor:
        """Map states (n, 2) to vectors (n, 2)."""
        return z @ self.weights[:4].view(2, 2) + self.weights[4:]


def design(schedule: Schedule, t: float) -> Noised:
    """Sixteen pairs of data and noise with the moments of N(MEAN, VAR) and N(0, 1), exactly."""
    signs = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=4)), dtype=torch.float64)
    data, noise = MEAN + VAR.sqrt() * signs[:, :2], signs[:, 2:]
    times = torch.full((16,), t, dtype=torch.float64)
    c = schedule(times[:, None])
    return Noised(data, noise, times, c, c.a * data + c.s * noise)


def at_one_time(t: float, **options: Any) -> DDPM:
    """A model of two coordinates with an affine network, whose batches are `design` at time t."""
    model = DDPM((2, 2), coordinates="bonds", **options)
    model.network = Affine()  # type: ignore[assignment]
    batch = design(model.schedule, t)
    model.noised = lambda *_: batch  # type: ignore[method-assign]
    return model


def loss_of(model: DDPM, weights: Tensor) -> Tensor:
    """The model's loss when its affine network has these weights."""
    model.network.weights = weights
    return model.loss(torch.empty(0))


def fit(model: DDPM) -> None:
    """Give the affine network the least loss there is.

    The loss is a quadratic form of the six weights, so one step of Newton's ends in its minimum.
    """
    zero, loss = torch.zeros(6, dtype=torch.float64), partial(loss_of, model)
    slope = torch.autograd.functional.jacobian(loss, zero)
    curvature = torch.autograd.functional.hessian(loss, zero)
    model.network.weights = -torch.linalg.solve(curvature, slope)


CASES = [
    (predicts, weighting, skip, schedule, t)
    for predicts, weighting, skip, schedule, t in itertools.product(
        PREDICTS, ["uniform", "min_snr"], [True, False], ["cosine", "linear", "zero_snr"], [0.2, 1]
    )
    if (predicts, schedule) != ("noise", "zero_snr")
    # There the weight is zero: whatever is answered is as good.
    if (weighting, schedule, t) != ("min_snr", "zero_snr", 1)
]


@pytest.mark.parametrize(("predicts", "weighting", "skip", "schedule", "t"), CASES)
def test_all_have_the_same_optimum(
    predicts: str, weighting: str, skip: bool, schedule: str, t: float
) -> None:
    """For normal data the least loss is at Bayes' answer, whatever is predicted and weighted."""
    options = {"predicts": predicts, "weighting": weighting, "skip": skip, "schedule": schedule}
    model = at_one_time(t, steps=100, **options)
    fit(model)
    x_t = torch.randn(6, 2, generator=seeded(1), dtype=torch.float64)
    time = torch.tensor(t, dtype=torch.float64)
    exact = GaussianPath(model.schedule, MEAN, VAR)
    torch.testing.assert_close(model.denoise(x_t, time), exact.denoise(x_t, time))
    torch.testing.assert_close(model.velocity(x_t, time), exact.velocity(x_t, time))


def losses(t: float, **options: Any) -> dict[str, float]:
    """Loss of some arbitrary affine network at time t, for each predicted quantity."""
    weights = torch.linspace(-0.5, 0.8, 6, dtype=torch.float64)
    return {
        predicts: loss_of(at_one_time(t, predicts=predicts, **options), weights).item()
        for predicts in PREDICTS
    }


@pytest.mark.parametrize("k", [1, 7, 150, 200])
def test_uniform_losses_differ_by_known_factors(k: int) -> None:
    """At step k an error of x̂ counts ᾱ/(1 − ᾱ)-fold in ê and 1/(1 − ᾱ)-fold in v.

    In μ̃ it counts as the square of √ᾱₖ₋₁ βₖ / (1 − ᾱₖ), the share of x in DDPM's eq. 7.
    """
    found = losses(k / 200, schedule="linear", steps=200)
    betas = np.linspace(1e-4, 0.02, 200)
    bars = np.cumprod(1 - betas)
    bar, before = bars[k - 1], bars[k - 2] if k > 1 else 1.0
    share = math.sqrt(before) * betas[k - 1] / (1 - bar)
    assert found["noise"] == pytest.approx(found["data"] * bar / (1 - bar))
    assert found["velocity"] == pytest.approx(found["data"] / (1 - bar))
    assert found["mean"] == pytest.approx(found["data"] * share**2, rel=1e-5)


@pytest.mark.parametrize("t", [0.1, 0.25, 0.7])
def test_min_snr_makes_one_loss_of_all(t: float) -> None:
    """Each is min(snr, 5) times the error of x̂, on both sides of snr = 5."""
    found, plain = losses(t, weighting="min_snr"), losses(t)["data"]
    c = CosineSchedule()(torch.tensor(t, dtype=torch.float64))
    expected = min((c.a / c.s).item() ** 2, 5) * plain
    assert list(found.values()) == pytest.approx([expected] * 4)


def test_without_the_skip_the_network_is_the_prediction() -> None:
    """Its output and the quantity's own formula make the loss, with the same random numbers."""
    torch.manual_seed(0)
    x = Chain(beads=4).sample(50, seeded(0))
    for predicts in PREDICTS:
        model = DDPM((4, 2), predicts=predicts, skip=False, steps=30, width=8, depth=1)
        model.fit(x)
        torch.manual_seed(1)
        found = model.loss(x)
        torch.manual_seed(1)
        data, noise, t, c, state, _ = model.noised(x)
        earlier = model.schedule((t[:, None] - 1 / 30).clamp(min=0))
        target = {
            "noise": noise,
            "data": data,
            "velocity": c.a * noise - c.s * data,
            "mean": conditional_mean(state, data, c, earlier),
        }[predicts]
        expected = (model.network(state, t) - target).square().mean()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_default_is_noise_prediction_as_published() -> None:
    """The loss is |ê − e|², and ê = s x_t + a · network, by hand from the same random numbers."""
    torch.manual_seed(0)
    x, model = Chain().sample(50, seeded(0)), DDPM((12, 2))
    model.fit(x)
    torch.manual_seed(1)
    found = model.loss(x)
    torch.manual_seed(1)
    data = model.coordinates.encode(augment(x))
    noise, angle = torch.randn_like(data), math.acos(0.01) * torch.rand(50)
    state = angle.cos()[:, None] * data + angle.sin()[:, None] * noise
    named = angle.sin()[:, None] * state
    named = named + angle.cos()[:, None] * model.network(state, angle / math.acos(0.01))
    torch.testing.assert_close(found, (named - noise).square().mean())


def conditional_mean(
    x_t: Tensor, x: Tensor, c: zoo.Coefficients, earlier: zoo.Coefficients
) -> Tensor:
    """E[x_r | x_t, x] of jointly normal numbers: covariance over variance, given x."""
    # Given x, x_r varies by s_r e, and x_t by a/a_r of that and fresh noise: s² in all.
    slope = (c.a / earlier.a) * earlier.s.square() / c.s.square()
    return earlier.a * x + slope * (x_t - c.a * x)


@pytest.mark.parametrize(
    "schedule", [CosineSchedule(), LECTURE, ZeroTerminalSchedule(LECTURE), StraightSchedule()]
)
@pytest.mark.parametrize(("t", "r"), [(1.0, 0.9), (0.6, 0.55), (0.3, 0.0)])
def test_mean_of_an_earlier_state_is_that_of_joint_normals(
    schedule: Schedule, t: float, r: float
) -> None:
    """By the regression of x_r on x_t for given x; and the way back finds x again."""
    x_t, x = torch.randn(2, 5, 4, generator=seeded(2), dtype=torch.float64)
    c, earlier = (schedule(torch.tensor(u, dtype=torch.float64)) for u in (t, r))
    found = mean_from_data(x_t, x, c, earlier)
    torch.testing.assert_close(found, conditional_mean(x_t, x, c, earlier))
    torch.testing.assert_close(data_from_mean(x_t, found, c, earlier), x)


@pytest.mark.parametrize("k", [1, 2, 120, 200])
def test_mean_of_an_earlier_state_is_the_published_one(k: int) -> None:
    """As the lecture writes it: μ̃ = (x_t − β/√(1 − ᾱ) e) / √α, for x_t made of x and e."""
    x, e = torch.randn(2, 5, 4, generator=seeded(3), dtype=torch.float64)
    beta = np.linspace(1e-4, 0.02, 200)[k - 1]
    bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 200))[k - 1]
    x_t = math.sqrt(bar) * x + math.sqrt(1 - bar) * e
    c, earlier = (LECTURE(torch.tensor(u / 200, dtype=torch.float64)) for u in (k, k - 1))
    expected = (x_t - beta / math.sqrt(1 - bar) * e) / math.sqrt(1 - beta)
    torch.testing.assert_close(mean_from_data(x_t, x, c, earlier), expected, rtol=1e-5, atol=1e-6)


def test_zero_snr_is_the_published_rescaling() -> None:
    """At the steps √ᾱ is shifted to end at 0 and scaled to begin where it began, as published."""
    steps = torch.arange(1, 201, dtype=torch.float64) / 200
    root = np.sqrt(np.cumprod(1 - np.linspace(1e-4, 0.02, 200)))
    found = ZeroTerminalSchedule(LECTURE)(steps)
    expected = torch.from_numpy((root - root[-1]) / (1 - root[-1]))  # our first step is t = 0
    torch.testing.assert_close(found.a, expected)
    torch.testing.assert_close(found.a.square() + found.s.square(), torch.ones_like(steps))


@pytest.mark.parametrize("base", [LECTURE, CosineSchedule(last_signal=0.3)])
def test_slopes_of_zero_snr_are_those_of_autograd(base: Schedule) -> None:
    """Both derivatives, and in single precision the noise of the first step to six digits."""
    schedule = ZeroTerminalSchedule(base)
    t = ((torch.arange(200, dtype=torch.float64) + 0.37) / 200).requires_grad_()
    c = schedule(t)
    (da,) = torch.autograd.grad(c.a.sum(), t, retain_graph=True)
    (ds,) = torch.autograd.grad(c.s.sum(), t)
    torch.testing.assert_close(c.da, da)
    torch.testing.assert_close(c.ds, ds)
    early = torch.tensor(1e-5)
    torch.testing.assert_close(schedule(early).s.double(), schedule(early.double()).s)


def test_schedules_end_as_they_are_named() -> None:
    """ᾱ(1): one ten-thousandth, the product of all 1 − β (0.13 of the lecture's), and zero."""
    product = float(np.prod(1 - np.linspace(1e-4, 0.02, 1000)))
    expected = {("cosine", 1000): 1e-4, ("linear", 1000): product, ("linear", 200): 0.1322}
    for (name, steps), bar in expected.items():
        model = DDPM((12, 2), schedule=name, steps=steps)  # type: ignore[arg-type]
        end = model.coefficients(torch.ones((), dtype=torch.float64))
        assert end.a.square().item() == pytest.approx(bar, rel=1e-3)
    end = DDPM((12, 2), schedule="zero_snr", predicts="data").coefficients(torch.ones(()))
    assert (end.a.item(), end.s.item()) == (0, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"schedule": "zero_snr"}, "divides by 0. Predict data, velocity or mean"),
        ({"predicts": "score"}, "predicts='score'.*noise, data, velocity, mean"),
        ({"weighting": "snr"}, "weighting='snr'.*uniform, min_snr"),
        ({"schedule": "sine"}, "schedule='sine'.*cosine, linear, zero_snr"),
        ({"steps": 0}, "steps=0"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], said: str) -> None:
    """Values that do not exist, and noise to be predicted where there is nothing else."""
    with pytest.raises(UsageError, match=said):
        DDPM((12, 2), **options)
