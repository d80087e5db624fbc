"""Schedules: how much data and how much noise a state holds at time t.

t = 0 is data, t = 1 is noise. Each gives a, s and their time derivatives in closed form.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.contracts import Coefficients


class Schedule(ABC):
    """A function from times to coefficients; a frozen dataclass of settings."""

    @abstractmethod
    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1], each of t's shape."""


@dataclass(frozen=True)
class StraightSchedule(Schedule):
    """a = 1 − t, s = t: straight lines from data to noise.

    Reference:
        Lipman et al. (2023), arXiv:2210.02747; Liu et al. (2023), arXiv:2209.03003.

    Example:
        >>> [round(x.item(), 2) for x in StraightSchedule()(torch.tensor(0.25))]
        [0.75, 0.25, -1.0, 1.0]
    """

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]."""
        one = torch.ones_like(t)
        return Coefficients(1 - t, t, -one, one)


@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """a = cos φt, s = sin φt: variance-preserving, ending with `last_signal` of the data.

    The last step is noise for every practical purpose, while a(1) > 0 keeps the prediction of
    noise well-posed there: x̂ = (x_t − s ê) / a.

    Args:
        last_signal: a(1), in (0, 1).

    Reference:
        Nichol & Dhariwal (2021), section 3.2, arXiv:2102.09672, in continuous time.

    Example:
        >>> [round(x.item(), 2) for x in CosineSchedule()(torch.tensor(1.0))]
        [0.01, 1.0, -1.56, 0.02]
    """

    last_signal: float = 0.01

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]."""
        phi = math.acos(self.last_signal)
        a, s = torch.cos(phi * t), torch.sin(phi * t)
        return Coefficients(a, s, -phi * s, phi * a)


@dataclass(frozen=True)
class LinearBetaSchedule(Schedule):
    """The discrete schedule of DDPM, made continuous between its steps.

    Step k of `steps` adds variance βₖ, which grows linearly; ᾱₖ = ∏ (1 − βᵢ) is the share of
    the data's variance left. At t = k / steps, a² is ᾱₖ exactly; in between log ᾱ is linear.

    Args:
        steps: Number of steps T.
        first: β₁.
        last: β_T.

    Reference:
        Ho et al. (2020), section 4, arXiv:2006.11239.

    Example:
        >>> schedule = LinearBetaSchedule(steps=200, first=1e-4, last=0.02)
        >>> round(schedule(torch.tensor(1.0)).a.square().item(), 3)
        0.132
    """

    steps: int
    first: float
    last: float

    def log_alpha_bars(self) -> Tensor:
        """Logarithms of ᾱₖ for k = 0 … T, shape (T + 1,), float64."""
        betas = torch.linspace(self.first, self.last, self.steps, dtype=torch.float64)
        return torch.cat([torch.zeros(1, dtype=torch.float64), torch.log1p(-betas).cumsum(0)])

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]; at t = 0 the derivative of s is infinite."""
        table = self.log_alpha_bars().to(t)
        position = t * self.steps
        # Rounding may put a time a hair below its step; it belongs to the piece that ends there.
        k = (position - 1e-4).floor().long().clamp(0, self.steps - 1)
        slope = (table[k + 1] - table[k]) * self.steps
        log_alpha_bar = table[k] + slope * (t - k / self.steps)
        a = torch.exp(log_alpha_bar / 2)
        s = torch.sqrt(-torch.expm1(log_alpha_bar))
        da = a * slope / 2
        return Coefficients(a, s, da, -a * da / s)
