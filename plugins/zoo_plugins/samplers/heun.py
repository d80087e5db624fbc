"""Few steps of second order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.generative.levels import Levels, largest, levels
from zoo_plugins.samplers.grid import check_steps

SMALLEST = 0.01
"""The lowest noise level above 0: a hundredth of the data's width."""


@dataclass(frozen=True)
class Heun(zoo.Sampler[zoo.Path]):
    """Heun's method on the probability flow, at the noise levels of Karras et al.

    With y = x_t / a and σ = s / a the flow of every path is dy/dσ = ê. A step goes along ê, looks
    at ê there, and takes the mean of both; the last one, to σ = 0, stops at the first look.
    Levels are evenly spaced in σ^(1/ρ). Second order: half the step, a quarter of the error.

    Args:
        steps: Number of steps, two network calls each, and one for the last.
        rho: Exponent ρ; the larger, the more levels are small.

    Raises:
        UsageError: If `steps` is less than 1 or `rho` is not above 0.

    Reference:
        Karras et al. (2022), algorithm 1 and eq. 5, arXiv:2206.00364.

    Example:
        >>> Heun(steps=10)
        Heun(steps=10, rho=7.0)
    """

    steps: int = 18
    rho: float = 7.0

    def __post_init__(self) -> None:
        check_steps("heun", self.steps)
        if not self.rho > 0:
            raise UsageError(f"heun[rho={self.rho}]: expected a number above 0, such as 7.")

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        first, last = largest(model) ** (1 / self.rho), SMALLEST ** (1 / self.rho)
        part = torch.linspace(0.0, 1.0, self.steps, device=model.device)
        walk = levels(model, (first + part * (last - first)) ** self.rho)
        y = walk.start(n)
        for k in range(self.steps):
            step, here = walk.sigma[k + 1] - walk.sigma[k], _noise(walk, k, y)
            ahead = y + step * here
            if k < self.steps - 1:
                ahead = y + step * (here + _noise(walk, k + 1, ahead)) / 2
            y = ahead
        return model.decode(y)


def _noise(walk: Levels, k: int, y: Tensor) -> Tensor:
    """ê, the noise that the model sees in states y at level k."""
    return (y - walk.clean(k, y)) / walk.sigma[k]
