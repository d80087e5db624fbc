"""Laws of the continuous flow: its density is that of its draws, and its loss the likelihood."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.densities import check_density_of_draws
from tests.physics import agree, mean_and_error, seeded
from zoo.errors import UsageError
from zoo.polymer import bond_lengths
from zoo.polymer.chain import Chain
from zoo_plugins.models import cnf
from zoo_plugins.models.cnf import CNF


def bent(x: Tensor, **settings: Any) -> CNF:
    """A flow in double precision, far from the identity it begins with."""
    torch.manual_seed(0)
    model = CNF((x.shape[1], x.shape[2]), width=16, **settings).double()
    model.fit(x.double())
    with torch.no_grad():
        list(model.network.mlp.parameters())[-2].normal_(std=0.2)
    return model


def chains(n: int, beads: int, **settings: float) -> Tensor:
    """True conformations in the plane."""
    return Chain(beads=beads, dim=2, **settings).sample(n, seeded(0))


def test_density_integrates_to_one() -> None:
    """For three beads in the plane, by quadrature over bond lengths, angle and orientation.

    Bonds are stiff, so that no density falls beyond an angle of π. In the measure of centred
    conformations, dx = b₁ b₂ db₁ db₂ dθ dω / 3.
    """
    model = bent(chains(500, 3, kb=20.0))
    z = torch.linspace(-6.5, 6.5, 32, dtype=torch.float64)
    grid = torch.cartesian_prod(z, z, z)
    x = model.coordinates.decode(grid)
    with torch.no_grad():
        log_prob = torch.cat([model.log_prob(part) for part in x.split(20_000)])
        changed = log_prob - (model.coordinates.log_det(x) - grid.square().sum(1) / 2)
    assert (changed + 1.5 * math.log(2 * math.pi)).abs().max() > 0.5  # no longer a plain normal
    cell = (z[1] - z[0]) ** 3 * model.coordinates.std.prod()
    volume = bond_lengths(x).prod(1) * cell * 2 * math.pi / 3
    assert (log_prob.exp() * volume).sum().item() == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("coordinates", ["internal", "bonds"])
def test_density_is_that_of_its_draws(coordinates: str) -> None:
    """The Jacobian of `draw` gives the same, whether or not coordinates forget the pose."""
    model = bent(chains(500, 5, kb=5.0), coordinates=coordinates)
    check_density_of_draws(model, 3, rtol=0, atol=1e-2)


class Growing(nn.Module):
    """The field v = z/2, which grows evenly in all directions."""

    def forward(self, z: Tensor, t: Tensor) -> Tensor:  # noqa: ARG002
        """Half of z."""
        return z / 2


def test_loss_is_the_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without effort, and averaged over signs, it is −log q per coordinate of the same states."""
    monkeypatch.setattr(cnf, "augment", lambda x: x)
    x = chains(500, 4).double()
    model = bent(x, effort=0.0, steps=8)
    with torch.no_grad():
        expected = (model.log_prob(x) - model.coordinates.log_det(x)).mean() / -5
        found = torch.stack([model.loss(x) for _ in range(10)])
    # Beside chance the solvers differ: by a thousandth, where a new flow is 0.1 away.
    assert float(found.mean()) == pytest.approx(float(expected), abs=2e-3)


def test_effort_is_what_a_flow_moves_and_shears(monkeypatch: pytest.MonkeyPatch) -> None:
    """For v = z/2, |∇v|² is size/4, and |v|² grows as |z|² exp(t)/4 does: a closed form."""
    monkeypatch.setattr(cnf, "augment", lambda x: x)
    x = chains(500, 4).double()
    losses = []
    for effort in (0.0, 1.0):
        model = bent(x, effort=effort, steps=8)
        model.network = Growing()  # type: ignore[assignment]
        losses.append(float(model.loss(x)))
    squares = model.coordinates.encode(x).square().mean()
    expected = 0.25 + float(squares) / 4 * (math.e - 1)
    assert losses[1] - losses[0] == pytest.approx(expected, rel=1e-5)


def test_training_sees_the_field_at_all_times() -> None:
    """Over a few batches no tenth of the way stays unseen, as even steps would leave most."""
    x = chains(4, 4).double()
    model, seen = bent(x), []
    model.network.register_forward_pre_hook(
        lambda _, __, kwargs: seen.append(kwargs["t"]), with_kwargs=True
    )
    for _ in range(20):
        model.loss(x)
    times = torch.stack(seen)
    assert times.min() == 0
    assert times.max() == 1
    assert (torch.histc(times, 10, 0, 1) > 0).all()


def test_estimates_of_the_density_are_right_on_average() -> None:
    """`divergence=hutchinson` has the mean of `exact` over its signs, and a spread of its own."""
    x = chains(500, 4)
    exact, estimated = bent(x), bent(x, divergence="hutchinson")
    with torch.no_grad():
        expected = float(exact.log_prob(x[:1].double()))
        found = estimated.log_prob(x[:1].double().expand(2_000, -1, -1))
    assert agree(mean_and_error(found), (expected, 0.0))
    assert found.std() > 0.05


def test_untrained_it_is_the_identity() -> None:
    """A new flow gives independent normal coordinates, so a first step starts from there."""
    x = chains(300, 6)
    model = CNF((6, 2))
    model.fit(x)
    z = model.coordinates.encode(x)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    with torch.no_grad():
        found = model.log_prob(x) - model.coordinates.log_det(x)
    torch.testing.assert_close(found, expected)


def test_impossible_settings_are_refused() -> None:
    """A usage error says what was expected."""
    with pytest.raises(UsageError, match="hutchinson"):
        CNF((12, 2), divergence="none")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 1"):
        CNF((12, 2), steps=0)
