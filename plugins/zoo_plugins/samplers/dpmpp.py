"""Few steps, each with the help of the one before."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo_plugins.samplers.grid import check_steps
from zoo_plugins.samplers.levels import even_levels


@dataclass(frozen=True)
class DPMSolver(zoo.Sampler[zoo.Path]):
    """DPM-Solver++(2M): a DDIM step with the posterior mean that is due half-way through it.

    Two values of x̂ are drawn out along λ = log(a/s) to the middle of the next step. The first
    step has one value only, and the last, to λ = ∞, ends at x̂: both are plain DDIM. Steps are
    even in arctan(s/a). Second order: half the step, a quarter of the error.

    Args:
        steps: Number of steps, one network call each.

    Raises:
        UsageError: If `steps` is less than 1.

    Reference:
        Lu et al. (2022), algorithm 2, arXiv:2211.01095.

    Example:
        >>> DPMSolver(steps=10)
        DPMSolver(steps=10)
    """

    steps: int = 20

    def __post_init__(self) -> None:
        check_steps("dpmpp", self.steps)

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        walk = even_levels(model, self.steps)
        length = -walk.sigma.log().diff()  # of each step in λ
        y = walk.start(n)
        before = y
        for k in range(self.steps):
            x = walk.clean(k, y)
            middle = x
            if 0 < k < self.steps - 1:
                middle = x + length[k] / length[k - 1] * (x - before) / 2
            y = torch.lerp(middle, y, walk.sigma[k + 1] / walk.sigma[k])
            before = x
        return model.decode(y)
