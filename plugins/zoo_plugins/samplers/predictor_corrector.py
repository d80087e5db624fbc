"""Steps to less noise in turn with corrections at the same noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.generative.levels import Levels, even_levels
from zoo_plugins.samplers.grid import check_steps
from zoo_plugins.samplers.reverse_sde import reverse_step


@dataclass(frozen=True)
class PredictorCorrector(zoo.Sampler[zoo.Path]):
    """At every noise level a step of Langevin dynamics, then a step of the reverse SDE to the next.

    The corrector follows the score at the level where the state is, and so forgets what earlier
    steps did wrong: y ← y + ε ∇ log p + √(2ε) normal, with ε = 2 (r σ)², y = x_t / a and
    σ = s / a. The predictor is that of `reverse-sde`; its last step takes the mean.

    Args:
        steps: Number of levels, two network calls each.
        snr: Signal-to-noise ratio r of the corrector, in (0, 1). A correction adds noise of width
            2 r σ; at 0.16 its own error leaves the noise wider by 1.3%.

    Raises:
        UsageError: If `steps` is less than 1 or `snr` is not between 0 and 1.

    Reference:
        Song et al. (2021), algorithms 1 and 4, arXiv:2011.13456.

    Example:
        >>> PredictorCorrector(steps=20)
        PredictorCorrector(steps=20, snr=0.16)
    """

    steps: int = 50
    snr: float = 0.16

    def __post_init__(self) -> None:
        check_steps("pc", self.steps)
        if not 0 < self.snr < 1:
            raise UsageError(f"pc[snr={self.snr}]: expected a number between 0 and 1.")

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        walk = even_levels(model, self.steps)
        y = walk.start(n)
        for k in range(self.steps):
            y = reverse_step(walk, k, self._correct(walk, k, y))
        return model.decode(y)

    def _correct(self, walk: Levels, k: int, y: Tensor) -> Tensor:
        """A Langevin step at level k; its score is (x̂ − y) / σ²."""
        mean = torch.lerp(y, walk.clean(k, y), 2 * self.snr**2)
        return mean + 2 * self.snr * walk.sigma[k] * torch.randn_like(y)
