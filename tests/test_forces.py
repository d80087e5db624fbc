"""Laws of forces between beads: tables, and what forces are on the coordinates."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.physics import seeded
from zoo.polymer.chain import Chain
from zoo.polymer.representations import Standardized, representation
from zoo_plugins.models.forces import (
    LEAST,
    RATE,
    REACH,
    ForceTable,
    PairNetwork,
    carried,
    carries,
)
from zoo_plugins.models.networks import ChainNetwork
from zoo_plugins.models.sde_ebm import SDEEBM

NOISELESS = torch.tensor(2 / torch.pi) * torch.tensor(LEAST).atan()


def fitted(name: str, dim: int) -> tuple[Standardized, Tensor]:
    """Coordinates with the scales of a chain, and some states of it, in double precision."""
    x = Chain(beads=5, dim=dim).sample(200, seeded(0)).double()
    coordinates = representation(name, (5, dim)).double()
    coordinates.fit(x)
    return coordinates, coordinates.encode(x[:20])


@pytest.mark.parametrize(("name", "dim"), [("internal", 2), ("bonds", 2), ("bonds", 3)])
def test_carried_is_the_transpose_of_the_jacobian(name: str, dim: int) -> None:
    """Autograd says the same of forces that sum to nothing."""
    coordinates, z = fitted(name, dim)
    z = torch.cat([z, 30 * torch.randn(50, *z.shape[1:], generator=seeded(2), dtype=z.dtype)])
    forces = torch.randn(len(z), dim, 5, generator=seeded(1), dtype=torch.float64)
    forces -= forces.mean(dim=-1, keepdim=True)
    z.requires_grad_()
    x = coordinates.decode(z)
    (expected,) = torch.autograd.grad(x, z, forces.mT)
    torch.testing.assert_close(carried(coordinates, z.detach(), x, forces), expected)


def test_it_is_known_which_coordinates_carry_forces() -> None:
    """Bonds anywhere, internal coordinates in the plane."""
    known = [("internal", 2), ("bonds", 2), ("bonds", 3)]
    others = [("internal", 3), ("rouse", 2), ("aligned", 2)]
    for pairs, answer in ((known, True), (others, False)):
        assert [carries(representation(name, (5, dim))) for name, dim in pairs] == [answer] * 3


def test_a_force_goes_on_where_no_beads_were_seen() -> None:
    """What is learned at one knot holds for all that is nearer, fades outwards, and ends."""
    table = ForceTable(2, levels=3, knots=4)  # knots at 0, 1, 2 and 3 σ
    with torch.no_grad():
        table.steps[1, 0, 2] = 1.0
    distances = torch.tensor([[0.0, 0.7, 2.0, 2.5, REACH, 9.0]])
    kind = torch.ones(6, dtype=torch.long)
    found = table(kind, distances, NOISELESS[None])
    expected = RATE * torch.tensor([[1.0, 1.0, 1.0, 0.5, 0.0, 0.0]])
    torch.testing.assert_close(found, expected)
    assert not table(0 * kind, distances, NOISELESS[None]).any()
    for level in (0.99, 1.0):
        assert not table(kind, distances, torch.tensor([level])).any()


def test_forces_end_where_their_reach_does() -> None:
    """Whatever was learned, they fade to nothing there without a jump."""
    table = ForceTable(1, knots=16)
    torch.nn.init.normal_(table.steps, generator=seeded(0))
    near_the_end = table(torch.tensor([0]), torch.tensor([[REACH - 1e-4]]), NOISELESS[None])
    assert 0 < float(near_the_end.detach().abs()) < 1e-3


def test_levels_of_noise_have_forces_of_their_own() -> None:
    """Between two knots of the logarithm of noise to data a table is linear in it."""
    table = ForceTable(1, levels=3, knots=2)  # knots at ratios of 0.01, √0.1 and 10
    with torch.no_grad():
        table.steps[0, :, 0] = torch.tensor([0.0, 1.0, 0.0])
    ratios = torch.tensor([0.01, 0.01 * 10**0.75, 0.1**0.5, 10.0])
    levels = ratios.atan() * 2 / torch.pi
    found = table(torch.tensor([0]), torch.zeros(4, 1), levels).flatten()
    torch.testing.assert_close(found, RATE * torch.tensor([0.0, 0.5, 1.0, 0.0]), atol=1e-5, rtol=0)


def test_a_positive_force_is_along_what_parts_two_beads() -> None:
    """Moved by it the two come apart; taken from a state, as scores take it, it draws them near."""
    coordinates, z = fitted("internal", 2)
    network = PairNetwork(coordinates, width=8, depth=1).double()
    with torch.no_grad():
        for weights in network.perceptron.mlp.parameters():
            weights.zero_()
        network.forces.steps[-1, :, -10] = 1.0  # the ends, out to nearly 3 σ
        found = network(z, NOISELESS.double())
        before, after = (
            network.perceptron.pairs(coordinates.decode(y))[1] for y in (z, z + 1e-4 * found)
        )
    ends = int((network.kind == network.kind.max()).nonzero())
    near = before[:, ends] < 2.5
    assert near.any()
    assert (after[near, ends] > before[near, ends]).all()
    assert not found[before[:, ends] > REACH].any()


def test_forces_are_taken_where_they_can_be() -> None:
    """By default by coordinates, and by nobody who does not want them."""
    for shape in ((6, 2), (6, 3)):
        assert isinstance(SDEEBM(shape).base.network, PairNetwork)
    for model in (SDEEBM((6, 2), coordinates="rouse"), SDEEBM((6, 2), forces=False)):
        assert type(model.base.network) is ChainNetwork
