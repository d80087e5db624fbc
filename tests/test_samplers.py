"""Laws of samplers, on normal data where every walk from noise to data can be followed exactly.

On a path with an affine posterior mean a walk is affine in all its random numbers. Fed with
basis vectors in their place it gives its coefficients, so means and variances of the draws
come without statistical error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import zoo
from tests.gaussian import ExplodingSchedule, GaussianField, GaussianPath, flow, moments
from zoo.errors import UsageError
from zoo.generative import CosineSchedule, LinearBetaSchedule, Schedule, StraightSchedule
from zoo_plugins.models.cfm import CFM
from zoo_plugins.models.ddpm import DDPM
from zoo_plugins.models.lecture import LectureDDPM
from zoo_plugins.samplers.ancestral import Ancestral
from zoo_plugins.samplers.ddim import DDIM
from zoo_plugins.samplers.ode import ADAPTIVE, FIXED, ODE

LINEAR = LinearBetaSchedule(steps=200, first=1e-4, last=0.02)
SCHEDULES = [StraightSchedule(), CosineSchedule(), LINEAR]
PathSampler = zoo.Sampler[zoo.Path]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """Walk in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def law(sampler: PathSampler, model: GaussianPath | GaussianField) -> tuple[Tensor, Tensor]:
    """Exact mean and variance of a sampler's draws, each (size,)."""
    rows = 300  # more than any walk here draws noise, plus one without any
    drawn = 0

    def basis(*_: object, **__: object) -> Tensor:
        nonlocal drawn
        x = torch.zeros(rows, model.size)
        x[drawn] = 1.0
        drawn += 1
        return x

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", basis)
        patch.setattr(torch, "randn_like", basis)
        x = sampler.sample(model, rows).flatten(1)
    assert 0 < drawn < rows
    return x[-1], (x[:-1] - x[-1]).square().sum(0)


def end_of_flow(model: GaussianPath | GaussianField, end: float = 0.0) -> tuple[Tensor, Tensor]:
    """Mean and variance that the exact flow from t = 1 to `end` leads a sampler's noise to.

    At `end` the posterior mean follows, as the ODE sampler's last step does.
    """
    c = model.coefficients(torch.ones(()))
    start = torch.tensor([[0.0], [1.0]]) * torch.sqrt(c.a.square() + c.s.square())
    x = flow(model, start.expand(2, model.size), 1.0, end)
    if end > 0:
        x = GaussianPath.denoise(model, x, torch.tensor(end))  # type: ignore[arg-type]
    return x[0], (x[1] - x[0]).square()


def distance(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> float:
    """Largest error of a mean or a standard deviation."""
    mean = (found[0] - expected[0]).abs().max()
    return max(float(mean), float((found[1].sqrt() - expected[1].sqrt()).abs().max()))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_is_first_order(schedule: Schedule) -> None:
    """Halving the step of DDIM halves its distance from the exact flow."""
    model = GaussianPath(schedule, *moments(4))
    coarse, fine = (distance(law(DDIM(n), model), end_of_flow(model)) for n in (200, 400))
    assert fine < 0.02
    assert coarse / fine == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("method", "order"), [("euler", 1), ("midpoint", 2), ("heun2", 2), ("heun3", 3), ("rk4", 4)]
)
@pytest.mark.parametrize("schedule", [CosineSchedule(), CosineSchedule(last_signal=0.3)])
def test_fixed_grids_have_their_orders(schedule: Schedule, method: str, order: int) -> None:
    """Halving the step divides the error by 2 to the order, up to the last step from `end`."""
    model, end = GaussianField(schedule, *moments(4)), 0.1
    samplers = (ODE(method=method, steps=n, end=end) for n in (20, 40))
    coarse, fine = (distance(law(s, model), end_of_flow(model, end)) for s in samplers)
    assert fine < 0.03
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("method", [*FIXED, *ADAPTIVE])
def test_every_method_follows_the_flow(method: str) -> None:
    """All that are on offer arrive where the exact flow does, within what was asked for."""
    model = GaussianField(CosineSchedule(), *moments(4))
    sampler = (
        ODE(method=method, steps=200) if method in FIXED else ODE(method, rtol=1e-5, atol=1e-5)
    )
    allowed = 0.02 if method in FIXED else 3e-3
    assert distance(law(sampler, model), end_of_flow(model, 1e-3)) < allowed


def test_tolerances_are_heeded() -> None:
    """A thousandth of the tolerance gives less than a twentieth of the error, for more calls."""
    errors, calls = [], []
    for tolerance in (1e-3, 1e-6):
        model = GaussianField(CosineSchedule(), *moments(4))
        found = law(ODE(rtol=tolerance, atol=tolerance), model)
        errors.append(distance(found, end_of_flow(model, 1e-3)))
        calls.append(model.calls)
    assert errors[1] < errors[0] / 20
    assert errors[0] < 0.01
    assert calls[1] > calls[0]


@pytest.mark.parametrize("schedule", [*SCHEDULES, ExplodingSchedule()])
@pytest.mark.parametrize("steps", [1, 3, 10, 200])
def test_large_variance_is_exact_for_unit_normal_data(schedule: Schedule, steps: int) -> None:
    """Whatever the steps, the state before the last has the right width; the last is a mean.

    With unit data the posterior mean is a / (a² + s²) times the state, whose variance is
    a² + s²; so the draws have variance a² / (a² + s²) at the last time above 0.
    """
    model = GaussianPath(schedule, torch.zeros(2), torch.ones(2))
    mean, var = law(Ancestral(steps=steps), model)
    c = schedule(torch.tensor(1 / steps))
    expected = c.a.square() / (c.a.square() + c.s.square())
    torch.testing.assert_close(mean, torch.zeros(2))
    torch.testing.assert_close(var, expected.expand(2))


def test_small_variance_is_exact_for_a_single_point() -> None:
    """Data that are one point are reached exactly, and states on the way have width s."""
    point = torch.tensor([0.7, -2.0])
    model = GaussianPath(StraightSchedule(), point, torch.zeros(2))
    widths = []

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        assert x_t.shape == (4000, 2)
        c = model.coefficients(t)
        widths.append((x_t - c.a * point).std() / c.s)
        return point.expand_as(x_t)

    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "denoise", denoise)
        x = Ancestral(steps=7, variance="small").sample(model, 4000)
    torch.testing.assert_close(x.flatten(1), point.expand(4000, 2))
    assert torch.stack(widths).tolist() == pytest.approx([1.0] * 7, rel=0.04)


@pytest.mark.parametrize("variance", ["large", "small"])
def test_ancestral_is_first_order(variance: str) -> None:
    """With either variance, half the step gives half the error in mean and spread."""
    model = GaussianPath(StraightSchedule(), *moments(4))
    exact = (model.mean, model.var)
    samplers = (Ancestral(n, variance) for n in (100, 200))  # type: ignore[arg-type]
    coarse, fine = (distance(law(sampler, model), exact) for sampler in samplers)
    assert fine < 0.05
    assert coarse / fine == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("variance", ["large", "small"])
def test_ancestral_is_ddpm_on_its_schedule(variance: str) -> None:
    """The same draws as equation 7 of Ho et al., in their β, from the same random numbers."""
    model = GaussianPath(LINEAR, *moments(4))
    torch.manual_seed(3)
    found = Ancestral(200, variance).sample(model, 5)  # type: ignore[arg-type]
    betas = torch.linspace(1e-4, 0.02, 200)
    alphas = 1 - betas
    bars = torch.cumprod(alphas, 0)
    torch.manual_seed(3)
    x = torch.randn(5, 4)
    for k in reversed(range(200)):
        before = bars[k - 1] if k else torch.ones(())
        data = model.denoise(x, torch.tensor((k + 1) / 200))
        mean = before.sqrt() * betas[k] / (1 - bars[k]) * data
        mean = mean + alphas[k].sqrt() * (1 - before) / (1 - bars[k]) * x
        beta = betas[k] if variance == "large" else betas[k] * (1 - before) / (1 - bars[k])
        x = mean + (beta.sqrt() * torch.randn(5, 4) if k else 0)
    torch.testing.assert_close(found.flatten(1), x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("sampler", "calls"),
    [
        (DDIM(1), 1),
        (DDIM(7), 7),
        (Ancestral(1), 1),
        (Ancestral(7), 7),
        (Ancestral(7, "small"), 7),
        # One more for the step from `end` to the data.
        (ODE("euler", steps=7), 8),
        (ODE("midpoint", steps=7), 15),
        (ODE("rk4", steps=7), 29),
        (ODE("euler", steps=1), 2),
        (ODE("euler", steps=1000), 1001),
        (ODE("euler"), 21),
    ],
)
def test_steps_cost_what_they_say(sampler: PathSampler, calls: int) -> None:
    """The network is called once per step and stage of the solver."""
    model = GaussianPath(CosineSchedule(), *moments(4))
    sampler.sample(model, 3)
    assert model.calls == calls


def walk_network(model: zoo.Path, sampler: PathSampler) -> None:
    """See that a sampler gets along with a model in single precision."""
    torch.set_default_dtype(torch.float32)
    model = model.float().eval()
    drawn = []
    with torch.no_grad():
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            drawn.append(sampler.sample(model, 4))
    assert drawn[0].shape == (4, 6, 2)
    assert drawn[0].dtype == torch.float32
    assert torch.isfinite(drawn[0]).all()
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2])


@pytest.mark.parametrize("build", [CFM, DDPM, LectureDDPM])
@pytest.mark.parametrize(
    "sampler",
    [DDIM(3), Ancestral(3), Ancestral(3, "small"), ODE("rk4", steps=3), ODE(rtol=0.1, atol=0.1)],
)
def test_samplers_walk_every_path(
    build: type[CFM | DDPM | LectureDDPM], sampler: PathSampler
) -> None:
    """On untrained networks in single precision: finite, set by the seed, and of the seed only."""
    walk_network(build((6, 2)), sampler)


@pytest.mark.parametrize(
    ("build", "options", "sentence"),
    [
        (DDIM, {"steps": 0}, r"ddim\[steps=0\]: expected a whole number of at least 1"),
        (DDIM, {"steps": 2.5}, r"ddim\[steps=2.5\]: expected a whole number"),
        (Ancestral, {"steps": 0}, r"ancestral\[steps=0\]: expected a whole number"),
        (Ancestral, {"variance": "medium"}, r"variance='medium'\]: expected 'large' or 'small'"),
        (ODE, {"method": "rk5"}, r"ode\[method='rk5'\]: no such method. There are: euler, .*rk4"),
        (ODE, {"method": "dopri5", "steps": 10}, r"ode\[method=dopri5\] takes rtol and atol"),
        (ODE, {"method": "euler", "rtol": 1e-3}, r"ode\[method=euler\] takes steps"),
        (ODE, {"method": "euler", "atol": 1e-3}, r"ode\[method=euler\] takes steps"),
        (ODE, {"method": "euler", "steps": 0}, r"ode\[steps=0\]: expected a whole number"),
        (ODE, {"end": 0.0}, r"ode\[end=0.0\]: expected a time between 0 and 1"),
        (ODE, {"end": 1.0}, r"ode\[end=1.0\]: expected a time between 0 and 1"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(
    build: type, options: dict[str, object], sentence: str
) -> None:
    """Before anything runs, and with the value, what was expected and what exists."""
    with pytest.raises(UsageError, match=sentence):
        build(**options)
