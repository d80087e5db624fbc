"""Schedulers of diffusers on any path x_t = a x + s e.

They know variance-preserving paths only. But with r² = a² + s² the states y_t = x_t / r are
such a path, with ᾱ = a² / r², and the clean states are the same. So the scheduler walks y_t with
the ᾱ of the model's own coefficients, and the model sees r y_t.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from torch import Tensor

import zoo
from zoo.errors import UsageError

_LEAST = 2.0**-24
"""Smallest ᾱ: where nothing of the data is left, DPM-Solver++ would divide by zero."""


@dataclass(frozen=True)
class DiffusersSampler(zoo.Sampler[zoo.Path]):
    """A walk of `steps` equal steps of time from 1 to 0, one network call each.

    Abstract: a sampler says which scheduler. Every step of the scheduler's training grid is
    one of the walk, so none of its spacings leaves a step out.

    Args:
        steps: Number of steps.

    Raises:
        UsageError: If `steps` is less than 1.
    """

    steps: int

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or self.steps < 1:
            raise UsageError(f"steps={self.steps!r}: expected a whole number of at least 1.")

    @abstractmethod
    def scheduler(self, **settings: object) -> Any:  # noqa: ANN401 - diffusers has no common type
        """A scheduler with these settings, which all of them take."""

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        times = torch.arange(1, self.steps + 1, device=model.device) / self.steps
        c = model.coefficients(times)
        scale = torch.sqrt(c.a.square() + c.s.square())
        scheduler = self.scheduler(
            num_train_timesteps=self.steps,
            trained_betas=betas(model, self.steps).tolist(),
            prediction_type="sample",
        )
        scheduler.set_timesteps(self.steps)
        y = torch.randn(n, model.size, device=model.device)
        for k in scheduler.timesteps.tolist():  # steps − 1, …, 0
            data = model.denoise(scale[k] * y, times[k])
            y = scheduler.step(data, k, y).prev_sample
        return model.decode(y)


@dataclass(frozen=True)
class DDPM(DiffusersSampler):
    """Stochastic steps, `DDPMScheduler`, without the clipping of clean states to [−1, 1].

    Args:
        steps: Number of steps.
        variance: Of a step: `small` is right where the data are one point, `large` where they
            are normal with variance one.

    Raises:
        UsageError: If `steps` is less than 1 or `variance` is neither.

    Reference:
        Ho et al. (2020), arXiv:2006.11239.

    Example:
        >>> DDPM(steps=50)
        DDPM(steps=50, variance='small')
    """

    steps: int = 200
    variance: Literal["small", "large"] = "small"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variance not in ("small", "large"):
            raise UsageError(f"variance={self.variance!r}: expected 'small' or 'large'.")

    def scheduler(self, **settings: object) -> Any:  # noqa: ANN401 - untyped library
        """The scheduler of diffusers."""
        return DDPMScheduler(clip_sample=False, variance_type=f"fixed_{self.variance}", **settings)


@dataclass(frozen=True)
class DDIM(DiffusersSampler):
    """Deterministic steps, `DDIMScheduler`, without the clipping of clean states to [−1, 1].

    Args:
        steps: Number of steps.

    Reference:
        Song et al. (2021), arXiv:2010.02502.

    Example:
        >>> DDIM(steps=50)
        DDIM(steps=50)
    """

    steps: int = 100

    def scheduler(self, **settings: object) -> Any:  # noqa: ANN401 - untyped library
        """The scheduler of diffusers."""
        return DDIMScheduler(clip_sample=False, **settings)


@dataclass(frozen=True)
class DPMpp(DiffusersSampler):
    """Deterministic steps of higher order, `DPMSolverMultistepScheduler`.

    Of its spacings only `trailing` begins at t = 1 and takes every step of the grid.

    Args:
        steps: Number of steps.
        order: Order of the solver, 1, 2 or 3; the first steps and the last have less.

    Raises:
        UsageError: If `steps` is less than 1 or there is no such order.

    Reference:
        Lu et al. (2022), arXiv:2211.01095.

    Example:
        >>> DPMpp(order=3)
        DPMpp(steps=20, order=3)
    """

    steps: int = 20
    order: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in (1, 2, 3):
            raise UsageError(f"order={self.order!r}: expected 1, 2 or 3.")

    def scheduler(self, **settings: object) -> Any:  # noqa: ANN401 - untyped library
        """The scheduler of diffusers."""
        return DPMSolverMultistepScheduler(
            solver_order=self.order, timestep_spacing="trailing", **settings
        )


def betas(model: zoo.Path, steps: int) -> Tensor:
    """Shares of variance βₖ = 1 − ᾱₖ / ᾱₖ₋₁ that the steps add, shape (steps,), float64.

    Args:
        model: The path.
        steps: Number of equal steps of time.
    """
    grid = torch.linspace(0, 1, steps + 1, dtype=torch.float64, device=model.device)
    c = model.coefficients(grid)
    kept = c.a.square() / (c.a.square() + c.s.square())
    kept = kept.clamp(min=_LEAST)
    return 1 - kept[1:] / kept[:-1]
