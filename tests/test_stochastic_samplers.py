"""Laws of the reverse SDE and of predictor-corrector sampling, on normal data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.gaussian import ExplodingSchedule, GaussianField, GaussianPath, moments
from tests.test_fast_samplers import DEEP
from tests.test_samplers import LINEAR, PathSampler, distance, law, walk_network
from zoo.errors import UsageError
from zoo.generative import Schedule, StraightSchedule, VESchedule
from zoo.generative.levels import even_levels, largest
from zoo_plugins.models.cfm import CFM
from zoo_plugins.models.ddpm import DDPM
from zoo_plugins.models.lecture import LectureDDPM
from zoo_plugins.samplers.predictor_corrector import PredictorCorrector
from zoo_plugins.samplers.reverse_sde import ReverseSDE, reverse_step

SCHEDULES = [StraightSchedule(), LINEAR, VESchedule(), ExplodingSchedule()]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """Walk in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def end_of_sde(model: GaussianPath) -> tuple[Tensor, Tensor]:
    """Mean and variance the exact reverse SDE leads to from N(0, 1 + σ²) at the first level.

    What the start lacks of the data's own law is drawn in by (y − m) ∝ v + σ².
    """
    first = largest(model) ** 2
    left = model.var / (model.var + first)
    return model.mean * (1 - left), model.var + (1 - model.var) * left.square()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_reverse_sde_is_first_order_in_law(schedule: Schedule) -> None:
    """Half the step gives half the error in mean and variance, against the exact solution."""
    model = GaussianPath(schedule, *moments(4))
    samplers = (ReverseSDE(steps) for steps in (140, 280))
    coarse, fine = (distance(law(sampler, model), end_of_sde(model)) for sampler in samplers)
    assert fine < 0.05
    assert coarse / fine == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("k", [500, 1500])
def test_a_small_step_is_that_of_the_sde_in_time(schedule: Schedule, k: int) -> None:
    """In x and t it is −(f x − g² score) dt + g √dt normal, f = a'/a, g² = 2 s (s' − s a'/a)."""
    model = GaussianPath(schedule, *moments(4))
    walk = even_levels(model, 2000)
    t, dt = walk.t[k], walk.t[k] - walk.t[k + 1]
    c = schedule(t)
    torch.manual_seed(0)
    x, normal = torch.randn(2, 5, 4)
    score = (c.a * model.denoise(x, t) - x) / c.s.square()
    spread = 2 * c.s * (c.ds - c.s * c.da / c.a)
    expected = -dt * (c.da / c.a * x - spread * score) + torch.sqrt(spread * dt) * normal
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn_like", lambda _: normal)
        moved = walk.a[k + 1] * reverse_step(walk, k, x / c.a) - x
    assert float((moved - expected).norm() / expected.norm()) < 0.01


def test_schedules_do_not_matter() -> None:
    """Where the model is exact, draws have the same law on all paths that drown the data."""
    for sampler in (ReverseSDE(6), PredictorCorrector(6)):
        first, *others = (law(sampler, GaussianPath(schedule, *moments(4))) for schedule in DEEP)
        for other in others:
            assert distance(first, other) < 1e-4


def test_any_step_of_the_reverse_sde_is_stable() -> None:
    """Few steps are wrong, and never by more than the noise they began with."""
    model = GaussianPath(StraightSchedule(), *moments(4))
    for steps in (1, 2, 3, 5):
        assert float(law(ReverseSDE(steps), model)[1].max()) < 1 + 20**2


@pytest.mark.parametrize("schedule", [StraightSchedule(), VESchedule()])
def test_refined_corrections_reach_the_data(schedule: Schedule) -> None:
    """Four times the levels, with corrections a quarter as long, leave a quarter of the error."""
    model = GaussianPath(schedule, *moments(4))
    samplers = (PredictorCorrector(n, snr) for n, snr in ((35, 0.32), (140, 0.16)))
    coarse, fine = (distance(law(s, model), (model.mean, model.var)) for s in samplers)
    assert fine < 0.01
    assert coarse / fine == pytest.approx(4, rel=0.1)


def test_corrections_forget_a_wrong_start() -> None:
    """The lecture's path begins without the data's mean; corrections bring it back."""
    model = GaussianPath(LINEAR, *moments(4))
    off = [
        float((law(PredictorCorrector(140, snr), model)[0] - model.mean).abs().max())
        for snr in (1e-6, 0.16, 0.5)
    ]
    assert off[0] > 0.3
    assert off[1] < 0.1
    assert off[2] < 1e-6


def test_a_correction_alone_holds_its_level() -> None:
    """Corrections of a single point keep noise of width σ / √(1 − r²), and find the point."""
    point = torch.tensor([0.7, -2.0])
    model = GaussianPath(StraightSchedule(), point, torch.zeros(2))
    walk, sampler = even_levels(model, 3), PredictorCorrector(3, snr=0.3)
    torch.manual_seed(0)
    y = torch.zeros(20_000, 2)
    for _ in range(30):
        y = sampler._correct(walk, 1, y)
    width = walk.sigma[1] / math.sqrt(1 - 0.3**2)
    assert ((y - point).std(0) / width).tolist() == pytest.approx([1.0] * 2, rel=0.02)
    assert (y.mean(0) - point).abs().max() < 0.03 * width


@pytest.mark.parametrize(
    ("sampler", "calls"),
    [
        (ReverseSDE(1), 1),
        (ReverseSDE(), 100),
        (PredictorCorrector(1), 2),
        (PredictorCorrector(), 100),
    ],
)
def test_steps_cost_what_they_say(sampler: PathSampler, calls: int) -> None:
    """One network call a step, and one for a correction."""
    model = GaussianField(StraightSchedule(), *moments(4))
    assert torch.isfinite(sampler.sample(model, 3)).all()
    assert model.calls == calls


@pytest.mark.parametrize("build", [CFM, DDPM, LectureDDPM])
@pytest.mark.parametrize("sampler", [ReverseSDE(3), PredictorCorrector(3)])
def test_samplers_walk_every_path(
    build: type[CFM | DDPM | LectureDDPM], sampler: PathSampler
) -> None:
    """On untrained networks in single precision: finite, set by the seed, and of the seed only."""
    walk_network(build((6, 2)), sampler)


@pytest.mark.parametrize(
    ("build", "options", "sentence"),
    [
        (ReverseSDE, {"steps": 0}, r"reverse-sde\[steps=0\]: expected a whole number"),
        (PredictorCorrector, {"steps": 0}, r"pc\[steps=0\]: expected a whole number"),
        (PredictorCorrector, {"snr": 0.0}, r"pc\[snr=0.0\]: expected a number between 0 and 1"),
        (PredictorCorrector, {"snr": 1.0}, r"pc\[snr=1.0\]: expected a number between 0 and 1"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(
    build: type, options: dict[str, object], sentence: str
) -> None:
    """Before anything runs, and with the value and what was expected."""
    with pytest.raises(UsageError, match=sentence):
        build(**options)
