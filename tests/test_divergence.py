"""Laws of the divergence: the trace of the Jacobian, exactly or on average."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.physics import mean_and_error, seeded
from zoo.generative import MLP
from zoo.generative.divergence import divergence, random_signs, unit_vectors


def net(size: int = 5) -> MLP:
    """A network far from linear, in double precision."""
    torch.manual_seed(0)
    found = MLP(size, size, width=16, depth=2).double()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.mul_(3)
    return found


def states(n: int, size: int = 5) -> Tensor:
    """Normal states in double precision."""
    return torch.randn(n, size, generator=seeded(1), dtype=torch.float64)


def traces(field: MLP, x: Tensor) -> Tensor:
    """Traces of autograd's full Jacobians, row by row."""
    found = [torch.autograd.functional.jacobian(field, row[None])[0, :, 0] for row in x]
    return torch.stack([jacobian.trace() for jacobian in found])


@pytest.mark.parametrize("grad", [True, False])
def test_along_unit_vectors_it_is_the_trace_of_the_jacobian(grad: bool) -> None:
    """Row by row what autograd's Jacobian has on its diagonal; also where gradients are off."""
    field, x = net(), states(7)
    with torch.set_grad_enabled(grad):
        value, found = divergence(field, x, unit_vectors(x))
    torch.testing.assert_close(value, field(x))
    torch.testing.assert_close(found, traces(field, x))


def test_random_signs_are_right_on_average() -> None:
    """Over many signs the mean is the trace; one sign is off by more than rounding."""
    field, x = net(), states(1)
    torch.manual_seed(2)
    many = divergence(field, x.expand(4_000, -1), random_signs(x.expand(4_000, -1)))[1]
    mean, error = mean_and_error(many.detach())
    exact = float(traces(field, x))
    assert abs(mean - exact) < 4 * error
    assert error * 4_000**0.5 > 0.1


def test_more_signs_mean_less_noise() -> None:
    """With k of them the variance is a k-th: 16 leave a quarter of the standard deviation."""
    field, x = net(), states(1).expand(4_000, -1)
    torch.manual_seed(3)
    with torch.no_grad():
        found = [divergence(field, x, random_signs(x, k))[1] for k in (1, 16)]
    assert float(found[0].std() / found[1].std()) == pytest.approx(4, rel=0.1)


def test_signs_see_a_diagonal_field_without_noise() -> None:
    """vᵀ J v is the trace for signs whenever J is diagonal, whatever the signs are."""
    x = states(6)
    _, found = divergence(lambda z: z**3 / 3, x, random_signs(x))
    torch.testing.assert_close(found, x.square().sum(dim=1))


def test_it_can_be_differentiated() -> None:
    """For the field ∇(Σ z⁴)/12 the divergence is Σ z², whose gradient is 2z."""
    x = states(4).requires_grad_()
    _, found = divergence(lambda z: z**3 / 3, x, unit_vectors(x))
    (slope,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(slope, 2 * x)
