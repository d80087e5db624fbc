"""Laws of the geometry of chains."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from torch import Tensor

from zoo.polymer.geometry import (
    align,
    bond_lengths,
    closest_contact,
    end_to_end,
    pair_distances,
    radius_of_gyration,
    turning_angles,
)
from zoo.polymer.symmetry import random_rotations, rotate

DIMS = pytest.mark.parametrize("dim", [2, 3])


def walks(n: int, dim: int, beads: int = 12) -> Tensor:
    """Random walks in double precision, the same at every call."""
    generator = torch.Generator().manual_seed(beads * dim)
    return torch.randn(n, beads, dim, generator=generator, dtype=torch.float64).cumsum(dim=1)


def mirror(dim: int) -> Tensor:
    """Reflection of the last axis."""
    return torch.diag(torch.tensor([1.0] * (dim - 1) + [-1.0], dtype=torch.float64))


@DIMS
def test_a_rod_has_the_textbook_radius_of_gyration(dim: int) -> None:
    """Rg² of N beads on a line one apart is (N² − 1)/12."""
    rod = torch.zeros(1, 9, dim, dtype=torch.float64)
    rod[0, :, -1] = torch.arange(9)
    assert radius_of_gyration(rod).item() == pytest.approx(math.sqrt(80 / 12))
    assert end_to_end(rod).item() == 8


@DIMS
def test_radius_of_gyration_follows_from_pair_distances(dim: int) -> None:
    """Lagrange: N² Rg² is the sum of all squared pair distances."""
    x = walks(20, dim)
    expected = pair_distances(x).square().sum(dim=1).sqrt() / 12
    torch.testing.assert_close(radius_of_gyration(x), expected)


def test_a_polygon_turns_by_a_full_circle() -> None:
    """The N exterior angles of a closed polygon add up to 2π, to −2π when walked backwards."""
    angle = torch.arange(8, dtype=torch.float64) * (math.tau / 7)
    polygon = torch.stack([angle.cos(), angle.sin()], dim=-1)[None]
    expected = torch.full((1, 6), math.tau / 7, dtype=torch.float64)
    torch.testing.assert_close(turning_angles(polygon), expected)
    torch.testing.assert_close(turning_angles(polygon.flip(1)), -expected)
    torch.testing.assert_close(
        bond_lengths(polygon), torch.full((1, 7), 2 * math.sin(math.pi / 7)).double()
    )


@pytest.mark.parametrize("theta", [0.0, 1e-6, 1.0, math.pi - 1e-6, math.pi])
@DIMS
def test_turning_angles_keep_their_digits_at_both_ends(dim: int, theta: float) -> None:
    """The angle put into three beads comes out, also where an arc cosine would lose half of it."""
    x = torch.zeros(1, 3, dim, dtype=torch.float64)
    x[0, 1, 0] = 2.0
    x[0, 2, :2] = torch.tensor([2 + math.cos(theta), math.sin(theta)], dtype=torch.float64)
    assert turning_angles(x).item() == pytest.approx(theta, rel=1e-9)


@DIMS
def test_pair_distances_are_those_of_scipy_in_its_order(dim: int) -> None:
    """`scipy.spatial.distance.pdist` of each conformation."""
    x = walks(3, dim)
    expected = np.stack([pdist(one) for one in x.numpy()])
    np.testing.assert_allclose(pair_distances(x).numpy(), expected, rtol=1e-12)


@DIMS
def test_closest_contact_skips_neighbours_only(dim: int) -> None:
    """The smallest entry of the distance matrix at least two places off the diagonal."""
    x = walks(50, dim)
    matrix = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    expected = [min(m[i, j].item() for i in range(12) for j in range(i + 2, 12)) for m in matrix]
    np.testing.assert_allclose(closest_contact(x).numpy(), expected, rtol=1e-12)
    assert closest_contact(x[:1, :2]).item() == math.inf


def test_not_a_number_stays_visible() -> None:
    """One bad coordinate spoils its own conformation and no other."""
    x = walks(2, 2)
    x[0, 5, 1] = math.nan
    for measure in (radius_of_gyration, closest_contact):
        assert measure(x).isnan().tolist() == [True, False]


@DIMS
def test_align_forgets_place_direction_and_handedness(dim: int) -> None:
    """Shifted, rotated and reflected copies align to the very same conformation."""
    x = walks(200, dim)
    moved = rotate(x, random_rotations(200, dim, dtype=x.dtype)) + 7.0
    torch.testing.assert_close(align(moved), align(x), rtol=0, atol=1e-8)
    torch.testing.assert_close(align(rotate(moved, mirror(dim))), align(x), rtol=0, atol=1e-8)


@DIMS
def test_align_is_rigid_idempotent_and_principal(dim: int) -> None:
    """Distances stay, a second time changes nothing, moments are diagonal and descending."""
    x = walks(200, dim)
    y = align(x)
    torch.testing.assert_close(pair_distances(y), pair_distances(x))
    torch.testing.assert_close(align(y), y, rtol=0, atol=1e-8)
    moments = y.mT @ y
    diagonal = moments.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(moments, torch.diag_embed(diagonal), rtol=0, atol=1e-8)
    assert (diagonal.diff(dim=1) <= 0).all()
    assert (y[:, -1] >= 0).all()
