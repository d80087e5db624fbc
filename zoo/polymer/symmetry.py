"""What the energy of a chain does not know: how it is turned, its handedness, its first bead."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.errors import UsageError


def random_rotations(
    n: int,
    dim: int,
    *,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Proper rotations, uniform over all of them (Haar measure).

    A uniform angle in the plane; in space, a uniform unit quaternion.

    Args:
        n: How many.
        dim: 2 or 3.
        generator: Source of randomness; torch's global random state if `None`.
        dtype: Of the matrices.
        device: Of the matrices and of `generator`.

    Returns:
        Rotation matrices, shape (n, dim, dim).

    Raises:
        UsageError: If `dim` is neither 2 nor 3.

    Reference:
        Shoemake, Uniform random rotations, Graphics Gems III (1992), 124-132.

    Example:
        >>> r = random_rotations(5, 3, dtype=torch.float64)
        >>> torch.allclose(r @ r.mT, torch.eye(3, dtype=torch.float64).expand(5, 3, 3))
        True
    """
    if dim == 2:
        angle = torch.rand(n, generator=generator, dtype=dtype, device=device) * math.tau
        c, s = angle.cos(), angle.sin()
        return torch.stack([c, -s, s, c], dim=-1).view(n, 2, 2)
    if dim != 3:
        raise UsageError(f"dim is {dim}; rotations are known for dim 2 and 3. Choose one of them.")
    q = torch.randn(4, n, generator=generator, dtype=dtype, device=device)
    w, x, y, z = q / q.square().sum(dim=0).sqrt()
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, dim=-1).view(n, 3, 3)


def rotate(x: Tensor, rotations: Tensor) -> Tensor:
    """Apply one matrix to all beads of a conformation, about the origin.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.
        rotations: Matrices R, shape (n, dim, dim) or (dim, dim); each bead r becomes R r.

    Returns:
        Rotated conformations, shape (n, beads, dim), in σ.

    Example:
        >>> quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
        >>> rotate(torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]), quarter).tolist()
        [[[0.0, 1.0], [-2.0, 0.0]]]
    """
    return x @ rotations.mT


def turn_at_random(x: Tensor) -> Tensor:
    """Turn each conformation about the origin, all ways being as likely.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Turned conformations, of the same shape, from torch's global random state.

    Example:
        >>> from zoo.polymer import end_to_end
        >>> corner = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]])
        >>> round(end_to_end(turn_at_random(corner)).item(), 4)
        5.0
    """
    n, _, dim = x.shape
    if dim != 2:
        return rotate(x, random_rotations(n, dim, dtype=x.dtype, device=x.device))
    # As numbers of the complex plane: a third of the time of so many small matrices.
    angle = torch.rand(n, 1, dtype=x.dtype, device=x.device) * math.tau
    turns = torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(torch.view_as_complex(x.contiguous()) * turns)


def augment(x: Tensor) -> Tensor:
    """Replace each conformation by a random one that the truth holds exactly as likely.

    A uniform rotation about the origin, a reflection with probability 1/2 and a reversal of the
    order of the beads with probability 1/2, each conformation by itself, from torch's global
    random state. The chain's energy knows no direction, no handedness and no first bead.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Equally likely conformations, shape (n, beads, dim), in σ.

    Example:
        >>> from zoo.polymer import end_to_end
        >>> corner = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]])
        >>> round(end_to_end(augment(corner)).item(), 4)
        5.0
    """
    n, _, dim = x.shape
    rotations = random_rotations(n, dim, dtype=x.dtype, device=x.device)
    coins = torch.rand(2, n, 1, 1, device=x.device) < 0.5
    # A sign on the first coordinate before rotating makes the rotation improper.
    rotations[:, :, :1] *= torch.where(coins[0], -1.0, 1.0)
    return rotate(torch.where(coins[1], x.flip(1), x), rotations)
