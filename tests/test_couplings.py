"""Laws of flow matching: what the loss of single paths teaches, and what couplings change."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from tests.physics import seeded
from zoo.errors import UsageError
from zoo.generative import Schedule, StraightSchedule, VelocityField
from zoo.polymer.chain import Chain
from zoo_plugins.models.cfm import CFM, optimal_coupling
from zoo_plugins.models.ddpm import DDPM
from zoo_plugins.models.networks import Noised
from zoo_plugins.samplers.ancestral import Ancestral
from zoo_plugins.samplers.ddim import DDIM
from zoo_plugins.samplers.ode import ODE

Tensors = tuple[Tensor, ...]


def small(**options: Any) -> CFM:
    """A model of two numbers in double precision, with a network of arbitrary weights."""
    torch.manual_seed(0)
    return CFM((2, 2), coordinates="bonds", width=8, depth=1, **options).double()


def gradients(model: CFM, loss: Tensor) -> Tensor:
    """Of a scalar in all parameters, as one vector."""
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])


def marginal_velocity(x_t: Tensor, data: Tensor, c: zoo.Coefficients) -> Tensor:
    """E[a' x + s' e | x_t] for data equally likely at a few points, by Bayes' rule."""
    noise = (x_t[:, None] - c.a * data) / c.s  # what it would have been, for each point
    weights = torch.softmax(-noise.square().sum(dim=-1) / 2, dim=1)
    moves = c.da * data + c.ds * noise
    return (weights[..., None] * moves).sum(dim=1)


def quadrature(nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes (n, 2) and weights (n,) of a Gauss-Hermite rule for two normal numbers."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    points = torch.cartesian_prod(torch.from_numpy(x), torch.from_numpy(x))
    weights = torch.outer(torch.from_numpy(w), torch.from_numpy(w)).flatten()
    return points, weights / weights.sum()


@pytest.mark.parametrize("path", ["straight", "vp"])
@pytest.mark.parametrize("t", [0.45, 0.7, 0.95])
def test_single_paths_teach_the_marginal_field(path: Literal["straight", "vp"], t: float) -> None:
    """∇L_FM = ∇L_CFM, and L_CFM − L_FM is a number of the path alone: E|u|² − E|E[u | x_t]|².

    Data are five points, so that the marginal field is known; means over noise are quadratures.
    """
    model, other = small(path=path), small(path=path)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.7).add_(0.1)
    data = torch.randn(5, 2, generator=seeded(1), dtype=torch.float64)
    time = torch.tensor(t, dtype=torch.float64)
    noise, weights = quadrature(40)
    c = model.coefficients(time)
    x = data.repeat_interleave(len(noise), dim=0)
    e, w = noise.repeat(5, 1), weights.repeat(5) / 5
    x_t, single = c.a * x + c.s * e, c.da * x + c.ds * e
    field = marginal_velocity(x_t, data, c)

    def loss(model: CFM, target: Tensor) -> Tensor:
        return w @ (model.velocity(x_t, time) - target).square().sum(dim=1)

    conditional = gradients(model, loss(model, single))
    assert conditional.norm() > 0.1
    torch.testing.assert_close(
        conditional, gradients(model, loss(model, field)), rtol=1e-6, atol=1e-7
    )
    constant = w @ (single.square() - field.square()).sum(dim=1)
    assert constant > 0.01
    for each in (model, other):
        torch.testing.assert_close(loss(each, single) - loss(each, field), constant)


def test_the_identity_holds_for_any_coupling_in_the_loss_itself() -> None:
    """Data and noise on a lattice meet midway: `loss` over all pairs has the gradient of means.

    Pairs are weighted unevenly by repeating them, which is a coupling that is not independent.
    """
    model = small()
    lattice = torch.cartesian_prod(*[torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)] * 2)
    rows = [
        (i, j) for i, j in itertools.product(range(9), repeat=2) for _ in range(1 + (i * j) % 3)
    ]
    data, noise = (lattice[list(index)] for index in zip(*rows, strict=True))
    t = torch.full((len(rows),), 0.5, dtype=torch.float64)
    c = StraightSchedule()(t[:, None])
    x_t = c.a * data + c.s * noise
    _, place, counts = x_t.unique(dim=0, return_inverse=True, return_counts=True)
    assert counts.max() > 10
    sums = torch.zeros(len(counts), 2, dtype=torch.float64).index_add(0, place, noise - data)
    field = (sums / counts[:, None])[place]
    batch = Noised(data, noise, t, c, x_t)
    model.noised = lambda *_: batch  # type: ignore[method-assign]
    found = gradients(model, model.loss(torch.empty(0)))
    marginal = (model.velocity(x_t, t[:1].squeeze()) - field).square().mean()
    torch.testing.assert_close(found, gradients(model, marginal))


def test_vp_flow_matching_is_diffusion_by_another_name() -> None:
    """Same weights, same random numbers: φ² times the loss of `ddpm[predicts=velocity]`.

    φ is the angle that the cosine schedule runs through; and both have one posterior mean.
    """
    x = Chain().sample(100, seeded(0))
    torch.manual_seed(0)
    flow, diffusion = CFM((12, 2), path="vp"), DDPM((12, 2), predicts="velocity")
    diffusion.load_state_dict(flow.state_dict())
    found = []
    for model in (flow, diffusion):
        torch.manual_seed(1)
        model.fit(x)
        found.append(model.loss(x))
    torch.testing.assert_close(found[0], math.acos(0.01) ** 2 * found[1])
    x_t, t = torch.randn(5, flow.size), torch.tensor(0.4)
    torch.testing.assert_close(
        flow.denoise(x_t, t), diffusion.denoise(x_t, t), rtol=1e-4, atol=1e-4
    )


def total(data: Tensor, noise: Tensor) -> float:
    """Sum of squared distances, row by row."""
    return (data - noise).square().sum().item()


@pytest.mark.parametrize("seed", range(5))
def test_coupling_is_the_best_of_all_permutations(seed: int) -> None:
    """Tried one by one: of 720 ways to pair six rows none is shorter in all."""
    data, noise = torch.randn(2, 6, 3, generator=seeded(seed), dtype=torch.float64)
    found = optimal_coupling(data, noise)
    every = min(total(data, noise[list(order)]) for order in itertools.permutations(range(6)))
    assert total(data, found) == pytest.approx(every)
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, noise.tolist()))


def test_coupling_on_a_line_sorts() -> None:
    """In one dimension the smallest noise goes to the smallest data, and so on."""
    data, noise = torch.randn(2, 256, 1, generator=seeded(7))
    found = optimal_coupling(data, noise)
    torch.testing.assert_close(found[data[:, 0].argsort(), 0], noise[:, 0].sort().values)


def test_the_coupled_model_learns_from_coupled_batches() -> None:
    """`noised` mixes data with the noise that is theirs by transport, at the same times."""
    x = Chain().sample(64, seeded(0))
    batches = {}
    for coupling in ("independent", "ot"):
        torch.manual_seed(0)
        model = CFM((12, 2), coupling=coupling)
        model.fit(x)
        torch.manual_seed(1)
        batches[coupling] = model.noised(x, model.couple)
    free, bound = batches["independent"], batches["ot"]
    assert torch.equal(free.data, bound.data)
    assert torch.equal(free.t, bound.t)
    assert torch.equal(bound.noise, optimal_coupling(free.data, free.noise))
    assert total(bound.data, bound.noise) < 0.9 * total(free.data, free.noise)
    c = bound.coefficients
    torch.testing.assert_close(bound.state, c.a * bound.data + c.s * bound.noise)


class Transported(VelocityField):
    """Exact for normal data, 0.2 wide, that are coupled with noise by transport: x = 0.2 e."""

    size = 2
    spread = 0.2

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """All of x_t = (0.2 a + s) e moves as e says."""
        c = self.coefficients(t)
        return (self.spread * c.da + c.ds) / (self.spread * c.a + c.s) * x_t

    def decode(self, x: Tensor) -> Tensor:
        """The same numbers as a chain of one bead."""
        return x.reshape(-1, 1, 2)


def test_transport_is_for_samplers_that_add_no_noise() -> None:
    """With a perfect network `ode` and `ddim` give data 0.2 wide; `ancestral` does not.

    A state's noise is its data here, and fresh noise in its place belongs to other data.
    """
    model, spread = Transported(StraightSchedule()), {}
    for sampler in (ODE(), DDIM(steps=400), Ancestral(steps=400)):
        torch.manual_seed(0)
        with torch.no_grad():
            spread[type(sampler).__name__] = sampler.sample(model, 20_000).std().item()
    assert spread["ODE"] == pytest.approx(0.2, rel=0.02)
    assert spread["DDIM"] == pytest.approx(0.2, rel=0.02)
    assert abs(spread["Ancestral"] - 0.2) > 0.05


@pytest.mark.parametrize(
    ("options", "said"),
    [({"path": "bent"}, "straight, vp"), ({"coupling": "sinkhorn"}, "independent, ot")],
)
def test_what_does_not_exist_is_refused(options: dict[str, Any], said: str) -> None:
    """Unknown paths and couplings name the known ones."""
    with pytest.raises(UsageError, match=said):
        CFM((12, 2), **options)
