"""Conformations as vectors a network likes, and back, with what that does to a density.

Every representation forgets where the chain lies; `Internal` also forgets how it is turned.
`log_det` is measured against the volume of centred conformations, as all densities of the
zoo are, so densities over different representations can be compared in nats.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from zoo.contracts import Shape
from zoo.errors import UsageError
from zoo.polymer.geometry import bond_lengths, bond_vectors, center


class Representation(nn.Module, ABC):
    """An invertible map between conformations and vectors.

    Args:
        shape: `(beads, dim)` of a conformation.
        size: Length of a vector.
        oriented: Whether a vector says how the chain is turned.
    """

    def __init__(self, shape: Shape, size: int, *, oriented: bool = True) -> None:
        super().__init__()
        self.shape = shape
        self.size = size
        self.oriented = oriented

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Conformations (n, beads, dim) as vectors (n, size)."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Vectors (n, size) as centred conformations (n, beads, dim), in σ."""

    @abstractmethod
    def log_det(self, x: Tensor) -> Tensor:
        """What turns a log-density of vectors into one of conformations.

        Args:
            x: Conformations, shape (n, beads, dim), in σ.

        Returns:
            log p(x) − log p(encode(x)), shape (n,), in nats. Where orientation is forgotten,
            x is taken to be turned any way with equal probability.
        """


class Rouse(Representation):
    """Rouse modes: an orthonormal cosine transform along the chain, without its constant.

    Reference:
        Rouse (1953), J. Chem. Phys. 21, 1272; Doi & Edwards (1986), section 4.1.

    Example:
        >>> x = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]])
        >>> Rouse((3, 2)).encode(x).round(decimals=3).tolist()
        [[-1.4140000343322754, 0.0, 0.0, 0.0]]
    """

    modes: Tensor

    def __init__(self, shape: Shape) -> None:
        beads, dim = shape
        super().__init__(shape, (beads - 1) * dim)
        bead = torch.arange(beads, dtype=torch.float64) + 0.5
        mode = torch.arange(1, beads, dtype=torch.float64)
        modes = math.sqrt(2 / beads) * torch.cos(math.pi / beads * mode[:, None] * bead)
        self.register_buffer("modes", modes.float(), persistent=False)

    def encode(self, x: Tensor) -> Tensor:
        """Amplitudes, mode by mode, each with its dim components."""
        return (self.modes.to(x) @ x).flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        """The chain with these amplitudes."""
        beads, dim = self.shape
        x: Tensor = self.modes.to(z).T @ z.view(-1, beads - 1, dim)
        return x

    def log_det(self, x: Tensor) -> Tensor:
        """Zero: the transform is orthonormal."""
        return x.new_zeros(len(x))


class Bonds(Representation):
    """Bond vectors, from the first bond to the last."""

    def __init__(self, shape: Shape) -> None:
        beads, dim = shape
        super().__init__(shape, (beads - 1) * dim)

    def encode(self, x: Tensor) -> Tensor:
        """Differences of neighbouring beads."""
        return bond_vectors(x).flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        """The chain these bonds make."""
        return chain_of(z.view(-1, self.shape[0] - 1, self.shape[1]))

    def log_det(self, x: Tensor) -> Tensor:
        """A constant: det(D Dᵀ) = beads for the matrix D that takes differences."""
        return x.new_full((len(x),), bond_volume(self.shape))


class Internal(Representation):
    """Internal coordinates: bond lengths and turning angles, in three dimensions dihedrals too.

    In two dimensions the angles carry a sign; in three they lie in (0, π), and the dihedral
    angles in (−π, π]. `decode` turns every chain the same way: first bond along the first axis,
    second bond in the plane of the first two.

    Reference:
        Parsons et al. (2005), J. Comput. Chem. 26, 1063.

    Example:
        >>> corner = torch.tensor([[[0.0, 0.0], [2.0, 0.0], [2.0, 1.0]]])
        >>> Internal((3, 2)).encode(corner).round(decimals=3).tolist()
        [[2.0, 1.0, 1.5709999799728394]]
    """

    def __init__(self, shape: Shape) -> None:
        beads, dim = shape
        size = 2 * beads - 3 if dim == 2 else 3 * beads - 6
        super().__init__(shape, size, oriented=False)
        if beads < 3:
            raise UsageError(f"internal coordinates need at least 3 beads, not {beads}.")

    def encode(self, x: Tensor) -> Tensor:
        """Lengths, then angles, then dihedrals."""
        bonds = bond_vectors(x)
        before, after = bonds[:, :-1], bonds[:, 1:]
        along = (before * after).sum(dim=-1)
        lengths = bond_lengths(x)
        if self.shape[1] == 2:
            across = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
            return torch.cat([lengths, torch.atan2(across, along)], dim=1)
        normals = torch.linalg.cross(before, after)
        angles = torch.atan2(torch.linalg.vector_norm(normals, dim=-1), along)
        left, right = normals[:, :-1], normals[:, 1:]
        twist = (left * bonds[:, 2:]).sum(dim=-1) * lengths[:, 1:-1]
        dihedrals = torch.atan2(twist, (left * right).sum(dim=-1))
        return torch.cat([lengths, angles, dihedrals], dim=1)

    def decode(self, z: Tensor) -> Tensor:
        """The chain with these lengths and angles, in one orientation."""
        beads, dim = self.shape
        lengths = z[:, : beads - 1]
        if dim == 2:
            heading = nn.functional.pad(z[:, beads - 1 :].cumsum(dim=1), (1, 0))
            directions = torch.stack([heading.cos(), heading.sin()], dim=-1)
        else:
            angles, dihedrals = z[:, beads - 1 : 2 * beads - 3], z[:, 2 * beads - 3 :]
            directions = _directions(angles, nn.functional.pad(dihedrals, (1, 0)))
        return chain_of(lengths[..., None] * directions)

    def log_det(self, x: Tensor) -> Tensor:
        """The volume of polar coordinates of the bonds, and of all orientations."""
        beads, dim = self.shape
        lengths = bond_lengths(x).log().sum(dim=1)
        if dim == 2:
            return bond_volume(self.shape) - math.log(2 * math.pi) - lengths
        angles = self.encode(x)[:, beads - 1 : 2 * beads - 3]
        polar = 2 * lengths + angles.sin().log().sum(dim=1)
        return bond_volume(self.shape) - math.log(8 * math.pi**2) - polar


class Aligned(Representation):
    """Coordinates in the frame of the principal axes, in a chart without their constraint.

    Aligned coordinates obey Σ x y = 0, so a density on all of them is ill-posed. The chart is
    the direction φ ∈ (−π/2, π/2] of the major axis, the Rouse modes u along it, and w, the
    modes along the minor axis in a basis of the complement of u (a Householder reflection).
    Only in two dimensions.
    """

    def __init__(self, shape: Shape) -> None:
        beads, dim = shape
        if dim != 2 or beads < 3:
            raise UsageError(
                f"aligned coordinates are for chains in two dimensions of at least 3 beads, not "
                f"{shape} = (beads, dim). Use the representation 'rouse' or 'bonds'."
            )
        super().__init__(shape, 2 * (beads - 1))
        self.rouse = Rouse(shape)

    def encode(self, x: Tensor) -> Tensor:
        """φ, then u, then w."""
        modes = self.rouse.encode(x).view(len(x), -1, 2)
        sums = modes.mT @ modes
        phi = torch.atan2(2 * sums[:, 0, 1], sums[:, 0, 0] - sums[:, 1, 1]) / 2
        u, v = _turn(modes[..., 0], modes[..., 1], -phi)
        return torch.cat([phi[:, None], u, _reflect(u, v)[:, 1:]], dim=1)

    def decode(self, z: Tensor) -> Tensor:
        """The chain with these modes along axes turned by φ."""
        size = self.shape[0] - 1
        u, w = z[:, 1 : 1 + size], z[:, 1 + size :]
        v = _reflect(u, nn.functional.pad(w, (1, 0)))
        return self.rouse.decode(torch.stack(_turn(u, v, z[:, 0]), dim=-1).flatten(1))

    def log_det(self, x: Tensor) -> Tensor:
        """−log of (|u|² − |w|²) / |u|, the volume of the chart."""
        z = self.encode(x)
        size = self.shape[0] - 1
        u, w = z[:, 1 : 1 + size].square().sum(dim=1), z[:, 1 + size :].square().sum(dim=1)
        return u.log() / 2 - (u - w).log()


def chain_of(bonds: Tensor) -> Tensor:
    """The centred chain, shape (n, beads, dim), with these bond vectors (n, beads − 1, dim)."""
    return center(nn.functional.pad(bonds.cumsum(dim=1), (0, 0, 1, 0)))


def bond_volume(shape: Shape) -> float:
    """Logarithm of the volume bond vectors span per volume of centred conformations.

    The matrix D of differences has det(D Dᵀ) = beads, once per dimension.

    Example:
        >>> round(bond_volume((12, 2)), 4)
        2.4849
    """
    beads, dim = shape
    return dim / 2 * math.log(beads)


def _directions(angles: Tensor, dihedrals: Tensor) -> Tensor:
    """Unit bond vectors from angles and dihedrals, each (n, beads − 2); the first twist is 0."""
    frame = torch.eye(3).to(angles).expand(len(angles), 3, 3)
    found = [frame[:, 0]]
    for turn, twist in zip(angles.unbind(1), dihedrals.unbind(1), strict=True):
        c, s, cd, sd = turn.cos(), turn.sin(), twist.cos(), twist.sin()
        zero = torch.zeros_like(c)
        step = torch.stack([c, s * cd, s * sd, -s, c * cd, c * sd, zero, -sd, cd], dim=1)
        frame = step.view(-1, 3, 3) @ frame
        found.append(frame[:, 0])
    return torch.stack(found, dim=1)


def _turn(first: Tensor, second: Tensor, phi: Tensor) -> tuple[Tensor, Tensor]:
    """Turn two components by angles φ, shape (n,)."""
    c, s = phi.cos()[:, None], phi.sin()[:, None]
    return c * first - s * second, s * first + c * second


def _reflect(u: Tensor, v: Tensor) -> Tensor:
    """Reflect v so that u's direction and the first axis change places (up to sign)."""
    normal = u / torch.linalg.vector_norm(u, dim=1, keepdim=True)
    sign = torch.where(normal[:, :1] < 0, -1.0, 1.0)
    mirror = torch.cat([normal[:, :1] + sign, normal[:, 1:]], dim=1)
    share = 2 * (mirror * v).sum(dim=1, keepdim=True) / mirror.square().sum(dim=1, keepdim=True)
    return v - share * mirror
