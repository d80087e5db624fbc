"""Laws of what the energy of a chain does not know: direction, handedness, the first bead."""

from __future__ import annotations

import math

import pytest
import torch

from tests.test_geometry import DIMS, walks
from zoo.errors import UsageError
from zoo.polymer.geometry import center, pair_distances
from zoo.polymer.symmetry import augment, random_rotations, turn_at_random


@DIMS
def test_random_rotations_are_proper_and_uniform(dim: int) -> None:
    """Haar moments: E[R] = 0, E[Rᵢⱼ²] = 1/dim, E[tr R] = 0, E[(tr R)²] = 2 (dim 2) or 1 (dim 3)."""
    torch.manual_seed(1)
    r = random_rotations(100_000, dim, dtype=torch.float64)
    torch.testing.assert_close(torch.linalg.det(r), torch.ones(len(r), dtype=torch.float64))
    trace = r.diagonal(dim1=1, dim2=2).sum(dim=1)
    error = 5 / math.sqrt(len(r))  # every quantity below has a spread of at most about 1
    assert r.mean(dim=0).abs().max() < error
    assert (r.square().mean(dim=0) - 1 / dim).abs().max() < error
    assert trace.mean().abs() < 2 * error
    assert (trace.square().mean() - (2 if dim == 2 else 1)).abs() < 2 * error


def test_rotations_of_other_dimensions_are_refused() -> None:
    """Four dimensions have no quaternion of ours."""
    with pytest.raises(UsageError, match="dim is 4"):
        random_rotations(1, 4)


@DIMS
def test_augment_is_one_of_four_kinds_equally_often(dim: int) -> None:
    """Kept or reversed, proper or mirrored: recovered from the result, a quarter each."""
    torch.manual_seed(2)
    n = 40_000
    x = center(walks(1, dim)).expand(n, -1, -1)
    y = augment(x)
    kept = (pair_distances(y) - pair_distances(x)).abs().amax(dim=1) < 1e-9
    reversed_ = (pair_distances(y) - pair_distances(x.flip(1))).abs().amax(dim=1) < 1e-9
    assert (kept ^ reversed_).all()
    source = torch.where(kept[:, None, None], x, x.flip(1))
    found = torch.linalg.lstsq(source, y).solution
    proper = torch.linalg.det(found) > 0
    for first in (kept, ~kept):
        for second in (proper, ~proper):
            share = (first & second).double().mean().item()
            assert share == pytest.approx(0.25, abs=5 * math.sqrt(0.1875 / n))


@DIMS
def test_augment_points_everywhere(dim: int) -> None:
    """Directions of one bond are uniform: no mean, and isotropic second moments."""
    torch.manual_seed(3)
    x = walks(1, dim).expand(40_000, -1, -1)
    y = augment(x)
    direction = torch.nn.functional.normalize(y[:, 1] - y[:, 0], dim=-1)
    assert direction.mean(dim=0).abs().max() < 5 / math.sqrt(40_000)
    second = direction.mT @ direction / 40_000
    isotropic = torch.eye(dim, dtype=torch.float64) / dim
    assert (second - isotropic).abs().max() < 5 / math.sqrt(40_000)


@DIMS
def test_a_chain_turned_at_random_points_everywhere_and_is_the_same(dim: int) -> None:
    """Distances and handedness stay; a bond has no direction on average, nor its square a bias."""
    torch.manual_seed(4)
    x = center(walks(1, dim)).expand(40_000, -1, -1)
    y = turn_at_random(x)
    torch.testing.assert_close(pair_distances(y), pair_distances(x))
    turns = torch.linalg.lstsq(x, y).solution
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(len(x), dtype=torch.float64))
    bond = torch.nn.functional.normalize(y[:, 1] - y[:, 0], dim=-1)
    error = 5 / math.sqrt(len(x))
    assert bond.mean(dim=0).abs().max() < error
    assert (bond.mT @ bond / len(x) - torch.eye(dim) / dim).abs().max() < error
