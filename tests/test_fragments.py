"""Laws of chains that are joined of halves: where halves lie, and how chains are distributed."""

from __future__ import annotations

import pytest
import torch

from tests.physics import agree, measures, seeded
from zoo.errors import UsageError
from zoo.polymer.chain import Chain
from zoo.polymer.coordinates import Internal
from zoo_plugins.models.fragments import Fragments, at_joint
from zoo_plugins.models.potential import Pairs, bonds_of

DIMS = pytest.mark.parametrize("dim", [2, 3])


def finished(dim: int, halves: int = 30_000, beads: int = 9) -> Fragments:
    """A library of chains whose energy is a wall, as it is before any step."""
    torch.manual_seed(0)
    model = Fragments((beads, dim), halves=halves).eval()
    x = Chain(beads=beads, dim=dim).sample(2_000, seeded(dim))
    with torch.no_grad():
        model.fit(x)
        model.finish(x)
    return model


@DIMS
def test_chains_are_put_with_their_joint_in_one_place(dim: int) -> None:
    """Bead in the origin, bond along the axis, the one before in the plane; nothing else moves."""
    x = Chain(beads=7, dim=dim).sample(50, seeded(1)).double()
    y = at_joint(x, 3)
    torch.testing.assert_close(y[:, 3], torch.zeros(50, dim, dtype=torch.float64))
    bond, before = y[:, 3] - y[:, 2], y[:, 2] - y[:, 1]
    torch.testing.assert_close(bond[:, 1:], torch.zeros(50, dim - 1, dtype=torch.float64))
    assert (bond[:, 0] > 0).all()
    if dim == 3:
        torch.testing.assert_close(before[:, 2], torch.zeros(50, dtype=torch.float64))
        assert (before[:, 1] > 0).all()
    inner = Internal((7, dim))
    torch.testing.assert_close(inner.encode(y), inner.encode(x))


@DIMS
def test_halves_are_kept_by_the_energy_across(dim: int) -> None:
    """What two halves have in common is what the chain has, less what either has by itself."""
    model = finished(dim, halves=500, beads=15)
    table = model.table
    with torch.no_grad():
        table += torch.linspace(0.0, 0.1, len(table))[:, None]  # tells separations apart
        chains = torch.cat([model.starts, model.ends], dim=1)
        unit = model.teacher.bonds.mean

        def energy(x: torch.Tensor) -> torch.Tensor:
            return Pairs(x.shape[1], most=11).energy(bonds_of(x) / unit, table)

        across = energy(chains) - energy(model.starts) - energy(chains[:, model.joint :])
        found = model._probability(model.starts, model.ends)
    torch.testing.assert_close(found, torch.exp(-across), rtol=1e-2, atol=1e-4)


@DIMS
def test_chains_are_distributed_as_those_of_the_energy_based_model(dim: int) -> None:
    """Sizes, contacts and angles agree within the errors of either and of the library."""
    model = finished(dim)
    with torch.no_grad():
        found, expected = measures(model.draw(20_000)), measures(model.teacher.draw(20_000))
    for name, value in found.items():
        mean, error = value
        assert agree((mean, 2 * error), expected[name]), name


def test_a_library_can_be_drawn_again() -> None:
    """From the same random state it is the same, whatever there was before."""
    model = finished(2, halves=100)
    kept = []
    for _ in range(2):
        torch.manual_seed(5)
        with torch.no_grad():
            model.finish(torch.zeros(0, 9, 2))
            kept.append(model.draw(10))
    assert torch.equal(*kept)


def test_a_library_of_one_makes_one_chain() -> None:
    """Over and over, turned some way; however few halves there are, they are enough."""
    model = finished(2, halves=1)
    with torch.no_grad():
        lengths = torch.linalg.vector_norm(model.draw(5).diff(dim=1), dim=-1)
    torch.testing.assert_close(lengths, lengths[:1].expand(5, -1))


def test_short_chains_and_empty_libraries_are_refused() -> None:
    """There is no half of four beads, and no chain of no halves."""
    for shape, halves in (((4, 2), 10), ((12, 2), 0)):
        with pytest.raises(UsageError, match="at least one half"):
            Fragments(shape, halves=halves)
