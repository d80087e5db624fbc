"""Schedulers against closed forms, on normal data that need no network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from zoo_diffusers.schedulers import DDIM, DDPM, DiffusersSampler, DPMpp

import zoo
from zoo.errors import UsageError
from zoo.generative import CosineSchedule, Denoiser, Schedule, StraightSchedule


class Normal(Denoiser):
    """Data normal with a width per number, zero for none; only the noise differs by schedule.

    Args:
        schedule: How data turns into noise.
        width: Standard deviation of the data.
    """

    size = 4

    def __init__(self, schedule: Schedule, width: float) -> None:
        super().__init__()
        self.schedule = schedule
        self.width = width

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The exact posterior mean."""
        c = self.coefficients(t)
        return c.a * self.width**2 / (c.a.square() * self.width**2 + c.s.square()) * x_t

    def decode(self, x: Tensor) -> Tensor:
        """The same numbers as two beads in the plane."""
        return x.view(-1, 2, 2)


SCHEDULES = [CosineSchedule(), StraightSchedule()]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 7, 30])
def test_ddim_shrinks_normal_data_by_the_cosines_of_its_steps(
    schedule: Schedule, steps: int
) -> None:
    """With tan θ = s / a and data of variance one, a step from θ to θ' is a factor cos(θ − θ')."""
    torch.manual_seed(0)
    noise = torch.randn(5, 4)
    torch.manual_seed(0)
    drawn = DDIM(steps).sample(Normal(schedule, 1.0), 5).flatten(1)
    c = schedule(torch.linspace(0, 1, steps + 1, dtype=torch.float64))
    factor = torch.atan2(c.s, c.a).diff().cos().prod().item()
    assert torch.allclose(drawn, factor * noise, atol=1e-3)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("sampler", [DDPM(10), DDIM(10), DPMpp(10), DPMpp(10, order=3)])
def test_one_point_is_reached(schedule: Schedule, sampler: DiffusersSampler) -> None:
    """Data that are one point, at the origin, come out as that point, whatever the noise."""
    assert sampler.sample(Normal(schedule, 0.0), 50).abs().max() < 1e-5


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_dpmpp_beats_ddim_at_the_same_calls(schedule: Schedule) -> None:
    """The higher order tells: wide data keep their width better with 20 calls."""
    errors = []
    for sampler in (DPMpp(20), DDIM(20)):
        torch.manual_seed(0)
        noise = torch.randn(2_000, 4)
        torch.manual_seed(0)
        drawn = sampler.sample(Normal(schedule, 2.0), 2_000).flatten(1)
        errors.append(abs((drawn / noise).median().item() - 2.0))
    assert errors[0] < errors[1] / 2


@pytest.mark.parametrize("sampler", [DDPM, DDIM, DPMpp])
def test_steps_are_a_number(sampler: type[DiffusersSampler]) -> None:
    """No walk has no steps."""
    with pytest.raises(UsageError, match="steps=0"):
        sampler(steps=0)
