"""Few steps, each with the help of the one before."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

import zoo
from zoo.generative.levels import multistep
from zoo_plugins.samplers.grid import check_steps


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
        return model.decode(multistep(model, n, self.steps))
