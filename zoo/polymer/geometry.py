"""What can be measured on, and done to, conformations of a chain.

Every function takes a batch `x` of conformations, shape (n, beads, dim) with dim 2 or 3 and
lengths in σ, keeps its dtype and device, and lets NaN through as NaN.
"""

from __future__ import annotations

import math
from functools import reduce

import torch
from torch import Tensor


def center(x: Tensor) -> Tensor:
    """Move the centre of mass of each conformation to the origin.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Centred conformations, shape (n, beads, dim), in σ.

    Example:
        >>> center(torch.tensor([[[1.0, 5.0], [3.0, 5.0]]])).tolist()
        [[[-1.0, 0.0], [1.0, 0.0]]]
    """
    return x - x.mean(dim=1, keepdim=True)


def align(x: Tensor) -> Tensor:
    """Centre each conformation and turn its principal axes onto the coordinate axes.

    The axes are the eigenvectors of the gyration tensor, largest variance first. An eigenvector
    has no sign of its own; here the last bead has no negative coordinate. That is a property of
    the chain alone, so every rotated, reflected or shifted copy aligns to the same conformation.
    (A chain and its mirror image thus become one, and aligning loses beyond the centre of mass
    the off-diagonal moments: they are all zero.)

    Args:
        x: Conformations, shape (n, beads, dim), in σ; finite.

    Returns:
        Aligned conformations, shape (n, beads, dim), in σ.

    Reference:
        Jolliffe, Principal Component Analysis (2002), section 1.1.

    Example:
        >>> rod = torch.tensor([[[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]])
        >>> align(rod)[0, :, 0].tolist()
        [-1.0, 0.0, 1.0]
    """
    x = center(x)
    x = x @ _principal_axes(x.mT @ x)
    return torch.where(x[:, -1:] < 0, -x, x)


def radius_of_gyration(x: Tensor) -> Tensor:
    """Root-mean-square distance of the beads from their centre of mass.

    Rg² = (1/N) Σᵢ |rᵢ − r̄|²: the size of the coil as scattering sees it.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        One radius per conformation, shape (n,), in σ.

    Reference:
        Rubinstein & Colby, Polymer Physics (2003), section 2.4.

    Example:
        >>> rod = torch.stack([torch.arange(12.0), torch.zeros(12)], dim=-1)
        >>> round(radius_of_gyration(rod[None]).item(), 4)
        3.4521
    """
    return center(x).square().sum(dim=-1).mean(dim=-1).sqrt()


def bond_vectors(x: Tensor) -> Tensor:
    """Vectors from each bead to the next.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Bond vectors, shape (n, beads − 1, dim), in σ.

    Example:
        >>> bond_vectors(torch.tensor([[[0.0, 0.0], [3.0, 4.0]]])).tolist()
        [[[3.0, 4.0]]]
    """
    return x[:, 1:] - x[:, :-1]


def bond_lengths(x: Tensor) -> Tensor:
    """Distances between neighbours along the chain.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Bond lengths, shape (n, beads − 1), in σ.

    Example:
        >>> bond_lengths(torch.tensor([[[0.0, 0.0], [3.0, 4.0]]])).tolist()
        [[5.0]]
    """
    return _length(bond_vectors(x))


def turning_angles(x: Tensor) -> Tensor:
    """Angles θ between consecutive bonds; 0 goes straight on.

    In the plane the angle is signed, positive to the left; in space it is not.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Angles, shape (n, beads − 2), in rad: in (−π, π] for dim 2, in [0, π] for dim 3.

    Example:
        >>> corner = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]])
        >>> round(turning_angles(corner).item(), 4)
        1.5708
    """
    bonds = bond_vectors(x)
    before, after = bonds[:, :-1], bonds[:, 1:]
    # atan2 stays accurate near 0 and π, where acos loses half of the digits.
    if x.shape[-1] == 2:
        cross = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
    else:
        cross = _length(torch.linalg.cross(before, after))
    return torch.atan2(cross, (before * after).sum(dim=-1))


def end_to_end(x: Tensor) -> Tensor:
    """Distance between the first and the last bead.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        One distance per conformation, shape (n,), in σ.

    Example:
        >>> end_to_end(torch.tensor([[[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]])).item()
        5.0
    """
    return _length(x[:, -1] - x[:, 0])


def pair_distances(x: Tensor) -> Tensor:
    """Distances between all pairs of beads: the shape without place, direction or handedness.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Distances, shape (n, beads·(beads − 1)/2), in σ, of the pairs (0, 1), (0, 2), …,
        (0, beads − 1), (1, 2), …

    Example:
        >>> pair_distances(torch.tensor([[[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]])).tolist()
        [[3.0, 5.0, 4.0]]
    """
    i, j = torch.triu_indices(x.shape[1], x.shape[1], offset=1, device=x.device)
    if x.requires_grad:
        return _length(x[:, i] - x[:, j])  # unlike a root, a norm has a gradient at zero
    squared = x.new_zeros(())
    for axis in x.movedim(-1, 0).contiguous():  # faster than all axes at once
        squared = squared + (axis.index_select(1, i) - axis.index_select(1, j)).square_()
    return squared.sqrt()


def closest_contact(x: Tensor) -> Tensor:
    """Smallest distance between beads that are not neighbours along the chain.

    The sharpest test of excluded volume: one overlapping pair shows.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        One distance per conformation, shape (n,), in σ; infinite for fewer than 3 beads.

    Example:
        >>> corner = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]])
        >>> closest_contact(corner).item()
        5.0
    """
    # One separation along the chain after another: far less memory than all pairs at once.
    contacts = (_length(x[:, apart:] - x[:, :-apart]).amin(dim=1) for apart in range(2, x.shape[1]))
    return reduce(torch.minimum, contacts, x.new_full(x.shape[:1], math.inf))


def _principal_axes(tensor: Tensor) -> Tensor:
    """Eigenvectors of symmetric (n, dim, dim) tensors as columns, largest eigenvalue first."""
    if tensor.shape[-1] != 2:
        axes: Tensor = torch.linalg.eigh(tensor).eigenvectors
        return axes.flip(-1)
    # In closed form: the recipes that align every batch would else spend a tenth of it here.
    angle = torch.atan2(2 * tensor[:, 0, 1], tensor[:, 0, 0] - tensor[:, 1, 1]) / 2
    c, s = angle.cos(), angle.sin()
    return torch.stack([c, -s, s, c], dim=-1).view(-1, 2, 2)


def _length(v: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(v, dim=-1)  # torch leaves its type open
    return length
