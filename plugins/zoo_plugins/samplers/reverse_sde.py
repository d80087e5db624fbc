"""The reverse of the process that turns data into noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.generative.levels import Levels, even_levels
from zoo_plugins.samplers.grid import check_steps


@dataclass(frozen=True)
class ReverseSDE(zoo.Sampler[zoo.Path]):
    """Euler-Maruyama steps of the reverse SDE.

    A path obeys dx = f x dt + g dw with f = a'/a and g² = 2 s (s' − s a'/a). In y = x/a, and with
    τ = σ² = (s/a)² for a clock, f drops out and g becomes 1: dy = dw. Its reverse is
    dy = ∇ log p dτ + dw, as τ falls, with the score (x̂ − y) / τ; there the steps are taken, even
    in arctan σ. Nothing diverges where a goes to 0, and no step is too long to be stable. The
    last step leaves the noise out. First order: half the step, half the error of the variance.

    Args:
        steps: Number of steps, one network call each.

    Raises:
        UsageError: If `steps` is less than 1.

    Reference:
        Song et al. (2021), eq. 6 and 9, arXiv:2011.13456.

    Example:
        >>> ReverseSDE(steps=50)
        ReverseSDE(steps=50)
    """

    steps: int = 100

    def __post_init__(self) -> None:
        check_steps("reverse-sde", self.steps)

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        walk = even_levels(model, self.steps)
        y = walk.start(n)
        for k in range(self.steps):
            y = reverse_step(walk, k, y)
        return model.decode(y)


def reverse_step(walk: Levels, k: int, y: Tensor) -> Tensor:
    """One step of the reverse SDE in y, without noise if it is the last.

    Args:
        walk: The levels, and the model that is asked.
        k: Number of the step.
        y: States at level k, shape (n, size).

    Returns:
        States at level k + 1, shape (n, size).
    """
    clock, end = walk.sigma[k].square(), walk.sigma[k + 1].square()
    mean = torch.lerp(walk.clean(k, y), y, end / clock)
    if k + 2 == len(walk.sigma):
        return mean
    return mean + torch.sqrt(clock - end) * torch.randn_like(y)
