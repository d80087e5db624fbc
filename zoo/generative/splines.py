"""Monotone rational-quadratic splines: flexible, invertible, with a closed-form derivative."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 1e-3  # smallest share of a bin, and smallest slope


class _Bin(NamedTuple):
    """The piece of the spline each number falls into."""

    x0: Tensor
    y0: Tensor
    width: Tensor
    height: Tensor
    slope0: Tensor
    slope1: Tensor


def rational_quadratic_spline(
    x: Tensor, parameters: Tensor, *, bound: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Map numbers monotonically inside [−bound, bound]; outside nothing changes.

    Each number has a spline of its own with K bins. Zero parameters make the identity.

    Args:
        x: Numbers, any shape.
        parameters: Unconstrained widths (K), heights (K) and inner slopes (K − 1) in the last
            dimension, which is 3K − 1 long; the others are x's.
        bound: Half the side of the square the spline lives in.
        inverse: Map back.

    Returns:
        The mapped numbers and log |dy/dx| of the direction taken, both of x's shape.

    Reference:
        Durkan et al. (2019), section 3.1, arXiv:1906.04032; Gregory & Delbourgo (1982).

    Example:
        >>> y, log_det = rational_quadratic_spline(
        ...     torch.tensor([0.5, 7.0]), torch.zeros(2, 11), bound=3.0)
        >>> y.round(decimals=4).tolist(), log_det.abs().max().item() < 1e-6
        ([0.5, 7.0], True)
    """
    inside = x.abs() < bound
    clamped = x.clamp(-bound, bound)
    piece = _find(clamped, parameters, bound, inverse)
    y, log_slope = _backward(clamped, piece) if inverse else _forward(clamped, piece)
    return torch.where(inside, y, x), torch.where(inside, log_slope, 0.0)


def _find(x: Tensor, parameters: Tensor, bound: float, inverse: bool) -> _Bin:
    k = (parameters.shape[-1] + 1) // 3
    widths, heights, inner = torch.split(parameters, [k, k, k - 1], dim=-1)
    knots_x, knots_y = _knots(widths, bound), _knots(heights, bound)
    # softplus(0 + this) + _LEAST = 1: zero parameters give slope one.
    shift = math.log(math.expm1(1 - _LEAST))
    slopes = functional.pad(functional.softplus(inner + shift) + _LEAST, (1, 1), value=1.0)
    edges = knots_y if inverse else knots_x
    index = (x[..., None] >= edges[..., 1:-1]).sum(dim=-1, keepdim=True)

    def at(knots: Tensor, shift: int = 0) -> Tensor:
        return knots.gather(-1, index + shift)[..., 0]

    x0, y0 = at(knots_x), at(knots_y)
    return _Bin(x0, y0, at(knots_x, 1) - x0, at(knots_y, 1) - y0, at(slopes), at(slopes, 1))


def _knots(shares: Tensor, bound: float) -> Tensor:
    k = shares.shape[-1]
    # A softmax; torch's own is four times slower along so short a dimension.
    weights = torch.exp(shares - shares.amax(dim=-1, keepdim=True).detach())
    sizes = _LEAST + (1 - _LEAST * k) * weights / weights.sum(dim=-1, keepdim=True)
    inner = sizes[..., :-1].cumsum(dim=-1) * (2 * bound) - bound
    ends = torch.full_like(inner[..., :1], bound)
    return torch.cat([-ends, inner, ends], dim=-1)


def _forward(x: Tensor, p: _Bin) -> tuple[Tensor, Tensor]:
    steepness = p.height / p.width
    u = (x - p.x0) / p.width
    mixed = u * (1 - u)
    below = steepness + (p.slope1 + p.slope0 - 2 * steepness) * mixed
    y = p.y0 + p.height * (steepness * u.square() + p.slope0 * mixed) / below
    return y, _log_slope(u, mixed, below, steepness, p)


def _backward(y: Tensor, p: _Bin) -> tuple[Tensor, Tensor]:
    steepness = p.height / p.width
    rise = y - p.y0
    bend = p.slope1 + p.slope0 - 2 * steepness
    a = p.height * (steepness - p.slope0) + rise * bend
    b = p.height * p.slope0 - rise * bend
    c = -steepness * rise
    root = torch.sqrt((b.square() - 4 * a * c).clamp(min=0))
    u = 2 * c / (-b - root)  # the form of the root that loses no digits
    mixed = u * (1 - u)
    below = steepness + bend * mixed
    return p.x0 + u * p.width, -_log_slope(u, mixed, below, steepness, p)


def _log_slope(u: Tensor, mixed: Tensor, below: Tensor, steepness: Tensor, p: _Bin) -> Tensor:
    above = p.slope1 * u.square() + 2 * steepness * mixed + p.slope0 * (1 - u).square()
    return 2 * torch.log(steepness / below) + torch.log(above)
