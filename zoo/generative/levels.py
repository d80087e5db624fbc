"""Noise levels σ = s / a, in which all paths are one.

Divided by a, a state is y = x_t / a = x + σ e: data under noise of level σ, whatever the schedule
was. A sampler that walks in y from a large σ to 0 needs to know nothing else of a path.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.contracts import Path

LARGEST = 20.0
"""Where a walk begins if σ grows beyond, as it does wherever a goes to 0.

Data of unit variance are a twentieth of the noise there: at a higher level a state says no more
about them, and steps would be spent on nothing.
"""


_PARTS = 64
"""Into how many parts times are divided, again and again, until a level is found."""

_RESOLUTION = 2.0**-24
"""Times that are told apart: those of single precision."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Falling noise levels of a path, and what a walk through them asks of it.

    Args:
        model: The path.
        t: Times of all levels but the last, shape (steps,), above 0.
        a: Data scales at these times, shape (steps,).
        sigma: Noise levels, shape (steps + 1,); the last one is 0.
    """

    model: Path
    t: Tensor
    a: Tensor
    sigma: Tensor

    def start(self, n: int) -> Tensor:
        """Draw states y at the first level, for data of unit variance, shape (n, size)."""
        spread = torch.sqrt(1 + self.sigma[0].square())
        return spread * torch.randn(n, self.model.size, device=self.model.device)

    def clean(self, k: int, y: Tensor) -> Tensor:
        """Posterior mean x̂ of states y at level k, shape (n, size); one network call."""
        return self.model.denoise(self.a[k] * y, self.t[k])


def largest(model: Path) -> Tensor:
    """The level a walk begins at, shape (): that of t = 1, or `LARGEST` if it is higher still."""
    c = model.coefficients(torch.ones((), device=model.device))
    return (c.s / c.a).clamp(max=LARGEST)


def levels(model: Path, sigma: Tensor) -> Levels:
    """Find the times at which a path has given noise levels.

    Args:
        model: The path; its s/a must grow with t.
        sigma: Falling levels above 0 and within the path's, shape (steps,).

    Returns:
        These levels, as exactly as times can be told apart, and 0.
    """
    marks = torch.arange(1, _PARTS, device=sigma.device) / _PARTS
    low, width = torch.zeros_like(sigma), 1.0
    while width > _RESOLUTION:
        t = low[:, None] + width * marks
        c = model.coefficients(t.flatten())
        below = c.s.view_as(t) <= sigma[:, None] * c.a.view_as(t)  # without a division: a may be 0
        width /= _PARTS
        low = low + width * below.sum(dim=1)
    high = low + width
    c = model.coefficients(high)
    return Levels(model, high, c.a, torch.cat([c.s / c.a, torch.zeros_like(sigma[:1])]))


def even_levels(model: Path, steps: int) -> Levels:
    """Levels whose angles arctan σ are evenly spaced.

    For states of unit variance the angle is the way from data to noise: signal and noise turn
    into one another at an even rate, as on the cosine schedule at even times.

    Args:
        model: The path.
        steps: Number of levels above 0.
    """
    part = torch.linspace(1.0, 0.0, steps + 1, device=model.device)[:-1]
    return levels(model, torch.tan(part * largest(model).atan()))


def multistep(model: Path, n: int, steps: int) -> Tensor:
    """Walk from noise to clean states by DPM-Solver++(2M), at one network call a step.

    Each is a DDIM step with the posterior mean that is due half-way through it: two values of x̂
    are drawn out along λ = log(a/s) to the middle of the step. The first step has one value only,
    and the last, to λ = ∞, ends at x̂: both are plain DDIM. Steps are even in arctan(s/a).

    Args:
        model: The path.
        n: How many states.
        steps: How many steps, at least 1.

    Returns:
        Clean states, shape (n, size).

    Reference:
        Lu et al. (2022), algorithm 2, arXiv:2211.01095.

    Example:
        >>> from zoo.conformance.gaussian import NormalPath
        >>> from zoo.generative import CosineSchedule
        >>> multistep(NormalPath(CosineSchedule()), 5, steps=10).shape
        torch.Size([5, 4])
    """
    walk = even_levels(model, steps)
    length = -walk.sigma.log().diff()  # of each step in λ
    y = walk.start(n)
    before = y
    for k in range(steps):
        x = walk.clean(k, y)
        middle = x
        if 0 < k < steps - 1:
            middle = x + length[k] / length[k - 1] * (x - before) / 2
        y = torch.lerp(middle, y, walk.sigma[k + 1] / walk.sigma[k])
        before = x
    return y
