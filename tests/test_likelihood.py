"""Laws of the densities of flows, where the velocity and the density are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from tests.gaussian import GaussianField, GaussianPath, moments
from tests.physics import agree, mean_and_error, seeded
from zoo.generative import (
    CosineSchedule,
    Schedule,
    StraightSchedule,
    SubVPSchedule,
    VESchedule,
    VPSchedule,
)
from zoo.generative.divergence import random_signs, unit_vectors
from zoo.generative.likelihood import carry, flow_log_prob

# At their ends nothing is left of the data.
DROWNING = [VPSchedule(last=60), VESchedule(last=1e4), SubVPSchedule(last=60)]
SHORT = [VPSchedule(last=5), VESchedule(), SubVPSchedule(last=5), CosineSchedule(0.3)]


def states(path: GaussianPath | GaussianField, n: int) -> Tensor:
    """States, a little wider than the data."""
    noise = torch.randn(n, path.size, generator=seeded(0), dtype=torch.float64)
    return path.mean + 1.5 * path.var.sqrt() * noise


@pytest.mark.parametrize("schedule", DROWNING)
def test_normal_data_have_their_own_density(schedule: Schedule) -> None:
    """With the exact velocity the change of variables gives the log-density torch has."""
    path = GaussianPath(schedule, *moments(4))
    x = states(path, 20)
    found = flow_log_prob(path, x, unit_vectors(x), nodes=100)
    expected = Normal(path.mean, path.var.sqrt()).log_prob(x).sum(dim=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("schedule", [*SHORT, StraightSchedule()])
@pytest.mark.parametrize("kind", [GaussianPath, GaussianField])
def test_density_is_that_of_what_the_flow_generates(
    schedule: Schedule, kind: type[GaussianPath | GaussianField]
) -> None:
    """Where some of the data is left at t = 1 it is the noise's density, pulled back exactly.

    Sampling starts from pure noise all the same, so this is what samples have, not the data.
    """
    path = kind(schedule, *moments(4))
    x = states(path, 20)
    end = path.coefficients(torch.ones((), dtype=torch.float64))
    stretch = torch.sqrt(end.a.square() + end.s.square() / path.var)
    noise = Normal(0.0, torch.sqrt(end.a.square() + end.s.square()))
    carried = end.a * path.mean + stretch * (x - path.mean)
    expected = (noise.log_prob(carried) + stretch.log()).sum(dim=1)
    found = flow_log_prob(path, x, unit_vectors(x), nodes=32)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def mixed(t: Tensor, z: Tensor) -> Tensor:
    """A field whose Jacobian is not diagonal, and changes with time and place."""
    return torch.tanh(z @ MIXING) * (1 + t)


MIXING = torch.randn(3, 3, generator=seeded(5), dtype=torch.float64)


def test_growth_is_the_determinant_of_the_map() -> None:
    """∫ ∇·v dt is log |det| of autograd's Jacobian of the whole flow, whatever the field."""
    for x in torch.randn(3, 1, 3, generator=seeded(1), dtype=torch.float64):
        growth = carry(mixed, x, unit_vectors(x), nodes=24).growth
        jacobian = torch.autograd.functional.jacobian(
            lambda z: carry(mixed, z, unit_vectors(z), nodes=24).states, x
        )
        expected = torch.linalg.slogdet(jacobian[0, :, 0]).logabsdet
        torch.testing.assert_close(growth[0], expected, rtol=0, atol=1e-4)


def test_a_flow_is_entered_where_one_says() -> None:
    """Two stretches of a way add up to the whole of it."""
    x = torch.randn(4, 3, generator=seeded(2), dtype=torch.float64)
    whole = carry(mixed, x, unit_vectors(x), nodes=24)
    first = carry(lambda t, z: mixed(t * 0.4, z) * 0.4, x, unit_vectors(x), nodes=24)
    rest = carry(mixed, first.states, unit_vectors(x), nodes=24, start=0.4)
    torch.testing.assert_close(rest.states, whole.states, rtol=0, atol=1e-6)
    torch.testing.assert_close(first.growth + rest.growth, whole.growth, rtol=0, atol=1e-6)


class Turned(GaussianPath):
    """Normal data seen in turned axes, so that the Jacobian of their velocity is not diagonal."""

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """That of the axes, turned there and back."""
        return super().denoise(x_t @ TURN, t) @ TURN.T


TURN = torch.linalg.qr(torch.randn(4, 4, generator=seeded(3), dtype=torch.float64)).Q


def test_random_signs_give_unbiased_logarithms() -> None:
    """Averaged over signs the estimate is the log-density; no single one of them is."""
    path = Turned(VPSchedule(), *moments(4))
    x = states(path, 1)
    exact = float(flow_log_prob(path, x, unit_vectors(x), nodes=16))
    torch.manual_seed(0)
    many = x.expand(2_000, -1)
    found = flow_log_prob(path, many, random_signs(many), nodes=16)
    assert agree(mean_and_error(found), (exact, 0.0))
    assert found.std() > 0.1
