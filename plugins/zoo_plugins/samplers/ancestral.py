"""Stochastic denoising steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo_plugins.samplers.grid import check_steps, noise, times


class _Steps(NamedTuple):
    """x_r = keep · x_t + pull · x̂ + spread · normal, for each step."""

    keep: Tensor
    pull: Tensor
    spread: Tensor


@dataclass(frozen=True)
class Ancestral(zoo.Sampler[zoo.Path]):
    """Draw each earlier state from a normal around the posterior mean.

    The variance between `small`, right where the data are one point, and `large`, right
    where they are normal with variance one; for a variance-preserving path these are the β̃
    and β of DDPM. The last step takes the mean.

    Args:
        steps: Number of steps, one network call each.
        variance: `large` or `small`.

    Raises:
        UsageError: If `steps` is less than 1 or `variance` is neither.

    Reference:
        Ho et al. (2020), algorithm 2 and section 3.2, arXiv:2006.11239.

    Example:
        >>> Ancestral(steps=100)
        Ancestral(steps=100, variance='large')
    """

    steps: int = 200
    variance: Literal["large", "small"] = "large"

    def __post_init__(self) -> None:
        check_steps("ancestral", self.steps)
        if self.variance not in ("large", "small"):
            raise UsageError(f"ancestral[variance={self.variance!r}]: expected 'large' or 'small'.")

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        grid = times(model, self.steps)
        keep, pull, spread = self._steps(model, grid)
        x = noise(model, n)
        for k, t in enumerate(grid[:-1]):
            x = keep[k] * x + pull[k] * model.denoise(x, t)
            if k < self.steps - 1:
                x = x + spread[k] * torch.randn_like(x)
        return model.decode(x)

    def _steps(self, model: zoo.Path, grid: Tensor) -> _Steps:
        """The posterior q(x_r | x_t, x̂) of every step, from the coefficients alone."""
        c = model.coefficients(grid)
        a, s, a_r, s_r = c.a[:-1], c.s[:-1], c.a[1:], c.s[1:]
        ratio = a / a_r
        added = s.square() - (ratio * s_r).square()  # variance of x_t given x_r
        keep = ratio * (s_r / s).square()
        pull = a_r * added / s.square()
        if self.variance == "small":
            variance = s_r.square() * added / s.square()
        else:
            now, then = a.square() + s.square(), a_r.square() + s_r.square()
            variance = then * (1 - ratio.square() * then / now)
        return _Steps(keep, pull, variance.clamp(min=0).sqrt())
