"""Deterministic denoising steps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

import zoo
from zoo.generative.paths import noise_from_data
from zoo_plugins.samplers.grid import check_steps, noise, times


@dataclass(frozen=True)
class DDIM(zoo.Sampler[zoo.Path]):
    """Take the clean state and the noise that the model sees, and mix them for the next time.

    First order: half the step, half the error.

    Args:
        steps: Number of steps, one network call each.

    Raises:
        UsageError: If `steps` is less than 1.

    Reference:
        Song et al. (2021), eq. 12 with σ = 0, arXiv:2010.02502.

    Example:
        >>> DDIM(steps=20)
        DDIM(steps=20)
    """

    steps: int = 100

    def __post_init__(self) -> None:
        check_steps("ddim", self.steps)

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        grid = times(model, self.steps)
        x = noise(model, n)
        for t, r in pairwise(grid):
            x = ddim_step(model, x, t, r)
        return model.decode(x)


def ddim_step(model: zoo.Path, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """One step from time t to an earlier time r.

    Args:
        model: The path.
        x: States at t, shape (n, size).
        t: Time of the states, shape (), above 0.
        r: Time to go to, shape (), below t.

    Returns:
        States at r, shape (n, size).
    """
    c, later = model.coefficients(t), model.coefficients(r)
    data = model.denoise(x, t)
    return later.a * data + later.s * noise_from_data(x, data, c)
