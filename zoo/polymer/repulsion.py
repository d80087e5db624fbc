"""Excluded volume: the WCA repulsion between beads that are not neighbours along the chain."""

from __future__ import annotations

import torch
from torch import Tensor

CUTOFF = 2.0 ** (1 / 6)
"""Distance in σ from which on beads do not feel each other."""


def wca(squared: Tensor) -> Tensor:
    """Weeks-Chandler-Andersen energy of pairs of beads, ε = 1 kT and σ = 1.

    4 (r⁻¹² − r⁻⁶) + 1 = (2 r⁻⁶ − 1)² inside the cutoff, zero beyond: a square, hence never
    negative, and infinite rather than undefined where beads coincide.

    Args:
        squared: Squared distances r² in σ², any shape.

    Returns:
        Energies, of the same shape, in kT.

    Reference:
        Weeks, Chandler & Andersen, J. Chem. Phys. 54 (1971), 5237, doi:10.1063/1.1674820.

    Example:
        >>> wca(torch.tensor([1.0, 2.0, 0.0])).tolist()
        [1.0, 0.0, inf]
    """
    inverse = squared.clamp(max=CUTOFF**2).reciprocal()
    # At the cutoff itself rounding leaves 1e-14 instead of 0, which no sum of ours can feel.
    return (2 * inverse * inverse * inverse - 1).square()


def within(x: Tensor) -> Tensor:
    """Repulsion between all beads of a chain at least two bonds apart.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Energies, shape (n,), in kT.

    Example:
        >>> within(torch.tensor([[[0.0, 0.0], [0.6, 0.8], [1.0, 0.0]]])).tolist()
        [1.0]
    """
    total = x.new_zeros(x.shape[:1])
    # One separation along the chain after another: far less memory than all pairs at once.
    for apart in range(2, x.shape[1]):
        total = total + wca(_squared(x[:, apart:] - x[:, :-apart])).sum(dim=1)
    return total


def between(a: Tensor, b: Tensor, *, at_once: int = 524_288) -> Tensor:
    """Repulsion between the beads of two segments that a bond joins, last of `a` to first of `b`.

    The joined pair is bonded and does not repel; every other pair across the joint is at least
    two bonds apart.

    Args:
        a: First segments, shape (n, beads_a, dim), in σ.
        b: Second segments, shape (n, beads_b, dim), in σ.
        at_once: Most pairs of beads held in memory at a time.

    Returns:
        Energies, shape (n,), in kT.

    Example:
        >>> pair = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
        >>> between(pair, pair + torch.tensor([0.0, 1.0])).item()  # two sides of a unit square
        2.0
    """
    rows = max(1, at_once // (a.shape[1] * b.shape[1]))
    parts = []
    for first, second in zip(torch.split(a, rows), torch.split(b, rows), strict=True):
        squared = torch.zeros(())
        for p, q in zip(first.unbind(-1), second.unbind(-1), strict=True):
            squared = squared + (p[:, :, None] - q[:, None, :]).square()
        energies = wca(squared)
        energies[:, -1, 0] = 0
        parts.append(energies.sum(dim=(1, 2)))
    return torch.cat(parts)


def _squared(v: Tensor) -> Tensor:
    return v.square().sum(dim=-1)
