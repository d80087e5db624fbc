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
        # Indexing by a tensor of no dimension calls item(), which cannot be compiled.
        before, after = (table.index_select(0, i.flatten()).view_as(i) for i in (k, k + 1))
        slope = (after - before) * self.steps
        log_alpha_bar = before + slope * (t - k / self.steps)
        a = torch.exp(log_alpha_bar / 2)
        s = torch.sqrt(-torch.expm1(log_alpha_bar))
        da = a * slope / 2
        return Coefficients(a, s, da, -a * da / s)


@dataclass(frozen=True)
class VPSchedule(Schedule):
    """The variance-preserving SDE: a = exp(−B/2), s² = 1 − a², with B(t) = ∫ β and β linear.

    The limit of DDPM's chain for ever smaller steps.

    Args:
        first: β(0).
        last: β(1).

    Reference:
        Song et al. (2021), eq. 11 and 33, arXiv:2011.13456.

    Example:
        >>> [round(x.item(), 4) for x in VPSchedule()(torch.tensor(1.0))]
        [0.0066, 1.0, -0.0657, 0.0004]
    """

    first: float = 0.1
    last: float = 20.0

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]; at t = 0 the derivative of s is infinite."""
        a, da = _decay(t, self.first, self.last)
        s = torch.sqrt(-torch.expm1(-_total(t, self.first, self.last)))
        return Coefficients(a, s, da, -a * da / s)


@dataclass(frozen=True)
class SubVPSchedule(Schedule):
    """The sub-VP SDE: a as in `VPSchedule`, and s = 1 − a², less noise at every time.

    Args:
        first: β(0).
        last: β(1).

    Reference:
        Song et al. (2021), eq. 12 and 29, arXiv:2011.13456.

    Example:
        >>> c, vp = (kind()(torch.tensor(0.3)) for kind in (SubVPSchedule, VPSchedule))
        >>> bool(c.a == vp.a), round((c.s / vp.s.square()).item(), 6)
        (True, 1.0)
    """

    first: float = 0.1
    last: float = 20.0

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]."""
        a, da = _decay(t, self.first, self.last)
        s = -torch.expm1(-_total(t, self.first, self.last))
        return Coefficients(a, s, da, -2 * a * da)


@dataclass(frozen=True)
class VESchedule(Schedule):
    """The variance-exploding SDE: a = 1, s² = σ(t)² − σ(0)², with σ growing evenly in log σ.

    Args:
        first: σ(0), in units of the data's standard deviation.
        last: σ(1); large enough to drown the data.

    Reference:
        Song et al. (2021), eq. 9 and 31, arXiv:2011.13456.

    Example:
        >>> [round(x.item(), 3) for x in VESchedule()(torch.tensor(1.0))]
        [1.0, 10.0, 0.0, 69.078]
    """

    first: float = 0.01
    last: float = 10.0

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]; at t = 0 the derivative of s is infinite."""
        one, rate = torch.ones_like(t), math.log(self.last / self.first)
        s = self.first * torch.sqrt(torch.expm1(2 * rate * t))
        return Coefficients(one, s, 0 * one, rate * (s + self.first**2 / s))


def _total(t: Tensor, first: float, last: float) -> Tensor:
    """B(t) = ∫₀ᵗ β, for β linear from `first` to `last`."""
    return first * t + (last - first) / 2 * t.square()


def _decay(t: Tensor, first: float, last: float) -> tuple[Tensor, Tensor]:
    """A = exp(−B/2) and a' = −β a / 2."""
    a = torch.exp(-_total(t, first, last) / 2)
    return a, -(first + (last - first) * t) * a / 2


@dataclass(frozen=True)
class ZeroTerminalSchedule(Schedule):
    """Another variance-preserving schedule, stretched until nothing of the data is left at t = 1.

    a becomes (a − a(1)) / (1 − a(1)): the same at t = 0, and 0 at t = 1, where the noise that
    sampling starts from is then exactly the noise that was learned.

    Args:
        base: A schedule with a² + s² = 1.

    Reference:
        Lin et al. (2023), algorithm 1, arXiv:2305.08891.

    Example:
        >>> lecture = LinearBetaSchedule(steps=200, first=1e-4, last=0.02)
        >>> c = ZeroTerminalSchedule(lecture)(torch.tensor(1.0))
        >>> c.a.item(), c.s.item()
        (0.0, 1.0)
    """

    base: Schedule

    def __call__(self, t: Tensor) -> Coefficients:
        """Coefficients at times t in [0, 1]; the derivative of s is that of the base at t = 0."""
        c, last = self.base(t), self.base(torch.ones_like(t)).a
        a, da = (c.a - last) / (1 - last), c.da / (1 - last)
        missing = c.s.square() / (1 + c.a) / (1 - last)  # 1 − a, without cancellation
        s = torch.sqrt(missing * (1 + a))
        return Coefficients(a, s, da, -a * da / s)
