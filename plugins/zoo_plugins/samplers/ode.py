"""The probability-flow ODE, solved by torchdiffeq."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchdiffeq import odeint

import zoo
from zoo.errors import UsageError
from zoo_plugins.samplers.ddim import ddim_step
from zoo_plugins.samplers.grid import check_steps, noise

FIXED = ("euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams")
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")


@dataclass(frozen=True)
class ODE(zoo.Sampler[zoo.Path]):
    """Follow dx/dt = v(x, t) from noise to `end`, then take one DDIM step to the data.

    The velocity of a path is a limit at t = 0, where the noise has gone; hence the last step,
    which costs one network call beside the solver's.

    Args:
        method: A solver of torchdiffeq, see `FIXED` and `ADAPTIVE`.
        steps: Steps of a fixed-grid solver (default 20); not for adaptive ones.
        rtol: Relative tolerance of an adaptive solver (default 1e-3); not for fixed grids.
        atol: Absolute tolerance of an adaptive solver (default 1e-3); not for fixed grids.
        end: Time at which the solver stops, in (0, 1).

    Raises:
        UsageError: If the method is unknown or the settings belong to the other kind.

    Reference:
        Song et al. (2021), section 4.3, arXiv:2011.13456; Chen et al. (2018),
        arXiv:1806.07366.

    Example:
        >>> ODE(method="rk4", steps=10)
        ODE(method='rk4', steps=10, rtol=None, atol=None, end=0.001)
    """

    method: str = "dopri5"
    steps: int | None = None
    rtol: float | None = None
    atol: float | None = None
    end: float = 1e-3

    def __post_init__(self) -> None:
        tolerances = self.rtol is not None or self.atol is not None
        if self.method not in FIXED + ADAPTIVE:
            known = ", ".join(FIXED + ADAPTIVE)
            raise UsageError(f"ode[method={self.method!r}]: no such method. There are: {known}.")
        if self.method in FIXED and tolerances:
            raise UsageError(
                f"ode[method={self.method}] takes steps; rtol and atol are not for it."
            )
        if self.method in ADAPTIVE and self.steps is not None:
            raise UsageError(
                f"ode[method={self.method}] takes rtol and atol; it chooses its steps."
            )
        if self.steps is not None:
            check_steps("ode", self.steps)
        if not all(value is None or value > 0 for value in (self.rtol, self.atol)):
            raise UsageError(f"ode[rtol={self.rtol}, atol={self.atol}]: expected both above 0.")
        if not 0 < self.end < 1:
            raise UsageError(f"ode[end={self.end}]: expected a time between 0 and 1.")

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        times = torch.tensor([1.0, self.end], device=model.device)

        def velocity(t: Tensor, x: Tensor) -> Tensor:
            return model.velocity(x, t)

        settings = self._settings(times[-1:])
        states = odeint(velocity, noise(model, n), times, method=self.method, **settings)
        last: Tensor = states[-1]
        return model.decode(ddim_step(model, last, times[-1], torch.zeros_like(times[-1])))

    def _settings(self, last: Tensor) -> dict[str, Any]:
        if self.method in FIXED:
            # A hair above the exact step, or rounding adds one more.
            step = (1 - self.end) / (self.steps or 20) * (1 + 1e-6)
            return {"options": {"step_size": step}}
        # An adaptive solver may step past the end unless told to land there, and before t = 0
        # there is no path.
        return {
            "rtol": 1e-3 if self.rtol is None else self.rtol,
            "atol": 1e-3 if self.atol is None else self.atol,
            "options": {"step_t": last},
        }
