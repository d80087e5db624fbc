"""Log-densities of what flows generate, by the instantaneous change of variables.

A flow dz/dt = v(z, t) carries a density along; what it thins on the way is ∫ ∇·v dt. So the
density of the data is that of the noise where their way ends, and the integral over that way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchdiffeq import odeint

from zoo.contracts import Path
from zoo.generative.divergence import divergence

TimedField = Callable[[Tensor, Tensor], Tensor]
"""A vector field that changes with time: time (), states (n, size) to vectors (n, size)."""

_FIRST = 1e-5
"""Time at which a path's flow is entered, where its noise is below a hundredth of the data."""


class Carried(NamedTuple):
    """States at the end of a flow, (n, size), and the integral of its divergence, (n,)."""

    states: Tensor
    growth: Tensor


def carry(
    field: TimedField, x: Tensor, directions: Tensor, *, nodes: int, start: float = 0.0
) -> Carried:
    """Follow a flow to time 1, and integrate its divergence over the way.

    Runge-Kutta steps of fourth order between the nodes of Gauss and Legendre. The divergence,
    which costs far more than the field, is only taken at the nodes: for a smooth field they
    need it least often.

    Args:
        field: The flow's velocity.
        x: States at `start`, shape (n, size).
        directions: Those the divergence is seen along, see `zoo.generative.divergence`.
        nodes: Number of nodes, at least 1.
        start: Time of x, below 1.

    Returns:
        The states at time 1 and the integral: log p₀(x) = log p₁(states) + growth.

    Reference:
        Chen et al. (2018), theorem 1, arXiv:1806.07366.

    Example:
        >>> from zoo.generative.divergence import unit_vectors
        >>> x = torch.tensor([[1.0, -2.0]])
        >>> with torch.no_grad():
        ...     states, growth = carry(lambda t, z: -t * z, x, unit_vectors(x), nodes=5)
        >>> (states / math.exp(-0.5)).round(decimals=3), growth.round(decimals=3)
        (tensor([[ 1., -2.]]), tensor([-1.]))
    """
    points, weights = (torch.from_numpy(v).to(x) for v in np.polynomial.legendre.leggauss(nodes))
    middle = start + (1 - start) * (points + 1) / 2
    times = torch.cat([middle.new_tensor([start]), middle, middle.new_ones(1)])
    states = odeint(field, x, times, method="rk4")
    growth = torch.zeros_like(x[:, 0])
    for t, weight, z in zip(middle, weights, states[1:-1], strict=True):
        _, here = divergence(lambda z, t=t: field(t, z), z, directions)  # type: ignore[misc]
        growth = growth + (1 - start) / 2 * weight * here
    return Carried(states[-1], growth)


def flow_log_prob(path: Path, x: Tensor, directions: Tensor, *, nodes: int) -> Tensor:
    """Log-density of the clean states that a path's probability flow generates.

    Sampling starts from normal noise of variance r² = a² + s² at t = 1. States are followed in
    units of r, in which standardised data hardly move, and in the time √t, in which they move
    at a finite speed near the data, where s may grow like √t.

    Args:
        path: The path.
        x: Clean states, shape (n, size).
        directions: Those the divergence is seen along: `unit_vectors` for the density itself,
            `random_signs`, new ones for each state, for unbiased estimates of its logarithm.
        nodes: Nodes of the integral, see `carry`.

    Returns:
        Natural logarithms, shape (n,), in nats.

    Reference:
        Song et al. (2021), eq. 39, arXiv:2011.13456.
    """

    def field(u: Tensor, z: Tensor) -> Tensor:
        t = u.square()
        c = path.coefficients(t)
        r = torch.sqrt(c.a.square() + c.s.square())
        growth = (c.a * c.da + c.s * c.ds) / r.square()
        return 2 * u * (path.velocity(r * z, t) / r - growth * z)

    end, growth = carry(field, x, directions, nodes=nodes, start=math.sqrt(_FIRST))
    return normal_log_prob(end) + growth


def normal_log_prob(z: Tensor) -> Tensor:
    """Log-density of states (n, size) under independent standard normals, shape (n,).

    Example:
        >>> normal_log_prob(torch.ones(1, 2)).round(decimals=3)
        tensor([-2.8380])
    """
    return -(z.square() + math.log(2 * math.pi)).sum(dim=1) / 2
