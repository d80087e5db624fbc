"""Laws of representations: nothing is lost, and densities change as volumes do."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from zoo.errors import UsageError
from zoo.polymer import center, pair_distances, rotate
from zoo.polymer.coordinates import Aligned, Bonds, Internal, Representation, Rouse
from zoo.polymer.representations import Standardized, representation
from zoo.polymer.symmetry import random_rotations

CASES = [
    (cls, dim)
    for cls, dim in itertools.product([Rouse, Bonds, Internal, Aligned], [2, 3])
    if (cls, dim) != (Aligned, 3)
]


def chains(n: int, beads: int, dim: int) -> Tensor:
    """Random walks in double precision."""
    generator = torch.Generator().manual_seed(beads + dim)
    return torch.randn(n, beads, dim, generator=generator, dtype=torch.float64).cumsum(1)


def build(cls: type, beads: int, dim: int) -> Representation:
    """A representation in double precision."""
    made: Representation = cls((beads, dim)).double()
    if isinstance(made, Rouse):
        made.modes = exact_modes(beads)
    if isinstance(made, Aligned):
        made.rouse.modes = exact_modes(beads)
    return made


def exact_modes(beads: int) -> Tensor:
    """The cosine transform from its definition, in double precision."""
    modes = [
        [math.sqrt(2 / beads) * math.cos(math.pi * p * (i + 0.5) / beads) for i in range(beads)]
        for p in range(1, beads)
    ]
    return torch.tensor(modes, dtype=torch.float64)


@pytest.mark.parametrize(("cls", "dim"), CASES)
def test_decoding_undoes_encoding(cls: type, dim: int) -> None:
    """The chain comes back, up to the place and, for internal coordinates, the orientation."""
    x = chains(20, 7, dim)
    found = build(cls, 7, dim)
    back = found.decode(found.encode(x))
    torch.testing.assert_close(pair_distances(back), pair_distances(x))
    torch.testing.assert_close(found.encode(back), found.encode(x))
    if cls is not Internal:
        torch.testing.assert_close(back, center(x))


def test_internal_coordinates_keep_handedness() -> None:
    """In three dimensions a chain and its mirror image have opposite dihedrals."""
    x = chains(20, 6, 3)
    internal = Internal((6, 3))
    z, mirrored = internal.encode(x), internal.encode(x * torch.tensor([1.0, 1.0, -1.0]))
    torch.testing.assert_close(z[:, :9], mirrored[:, :9])
    torch.testing.assert_close(z[:, 9:], -mirrored[:, 9:])
    turned = rotate(x, random_rotations(20, 3, dtype=torch.float64))
    torch.testing.assert_close(internal.encode(turned), z)


@pytest.mark.parametrize("dim", [2, 3])
def test_log_det_is_the_volume_of_the_jacobian(dim: int) -> None:
    """Against autograd: the volume of encode over the orthonormal modes of the chain."""
    modes = exact_modes(5)
    for cls in (Rouse, Bonds, Aligned) if dim == 2 else (Rouse, Bonds):
        found = build(cls, 5, dim)
        for x in chains(4, 5, dim):
            q = (modes @ x).flatten()

            def encode(q: Tensor, found: Representation = found) -> Tensor:
                return found.encode((modes.T @ q.unflatten(0, (4, dim)))[None])[0]

            jacobian = torch.autograd.functional.jacobian(encode, q)
            volume = torch.linalg.slogdet(jacobian).logabsdet
            torch.testing.assert_close(found.log_det(x[None])[0], volume)


@pytest.mark.parametrize("dim", [2, 3])
def test_log_det_of_internal_coordinates_counts_orientations(dim: int) -> None:
    """With rotations as further coordinates, autograd finds the same volume.

    A chain is R(ω) decode(z); near ω = 0 the measure of rotations is dω / (2π or 8π²).
    """
    modes = exact_modes(5)
    internal = Internal((5, dim))
    count = dim * (dim - 1) // 2

    def place(coordinates: Tensor) -> Tensor:
        omega, z = coordinates[:count], coordinates[count:]
        generator = torch.zeros(dim, dim, dtype=torch.float64)
        for angle, (i, j) in zip(omega, itertools.combinations(range(dim), 2), strict=True):
            turn = torch.zeros(dim, dim, dtype=torch.float64)
            turn[i, j], turn[j, i] = 1.0, -1.0
            generator = generator + angle * turn
        rotation = torch.linalg.matrix_exp(generator)
        return (modes @ internal.decode(z[None])[0] @ rotation).flatten()

    all_turns = 2 * math.pi if dim == 2 else 8 * math.pi**2
    for x in chains(4, 5, dim):
        z = torch.cat([torch.zeros(count, dtype=torch.float64), internal.encode(x[None])[0]])
        jacobian = torch.autograd.functional.jacobian(place, z)
        expected = -torch.linalg.slogdet(jacobian).logabsdet - math.log(all_turns)
        torch.testing.assert_close(internal.log_det(x[None])[0], expected)


def test_aligned_coordinates_are_aligned() -> None:
    """In the chart's frame the two axes are uncorrelated and the first one is the longer."""
    x = chains(50, 7, 2)
    aligned = build(Aligned, 7, 2)
    z = aligned.encode(x)
    unturned = torch.cat([torch.zeros_like(z[:, :1]), z[:, 1:]], dim=1)
    y = aligned.decode(unturned)
    covariance = y.mT @ y
    torch.testing.assert_close(covariance[:, 0, 1], torch.zeros(50, dtype=torch.float64))
    assert (covariance[:, 0, 0] > covariance[:, 1, 1]).all()


def test_standardising_keeps_densities() -> None:
    """A normal fitted after standardising has the density of one fitted before."""
    x = chains(500, 4, 2)
    bonds, found = Bonds((4, 2)), Standardized(Bonds((4, 2))).double()
    found.fit(x)
    before, after = bonds.encode(x), found.encode(x)
    torch.testing.assert_close(after.mean(0), torch.zeros(6, dtype=torch.float64))
    torch.testing.assert_close(after.std(0, correction=0), torch.ones(6, dtype=torch.float64))
    normal = torch.distributions.Normal(before.mean(0), before.std(0, correction=0))
    plain = normal.log_prob(before).sum(1) + bonds.log_det(x)
    unit = torch.distributions.Normal(torch.zeros(6, dtype=torch.float64), 1.0)
    torch.testing.assert_close(unit.log_prob(after).sum(1) + found.log_det(x), plain)


def test_names_and_shapes_that_do_not_fit_are_refused() -> None:
    """A misspelt name and a chart that does not exist are usage errors that say what does."""
    with pytest.raises(UsageError, match="There are: internal, bonds, rouse, aligned"):
        representation("cartesian", (12, 2))
    with pytest.raises(UsageError, match="two dimensions"):
        representation("aligned", (12, 3))
    assert representation(None, (12, 3)).size == 33
