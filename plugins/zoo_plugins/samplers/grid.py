"""What every walk from noise to data begins with: its times and its first state."""

from __future__ import annotations

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError


def times(model: zoo.Path, steps: int) -> Tensor:
    """Times 1, (steps − 1)/steps, …, 0 on the model's device, shape (steps + 1,)."""
    return torch.linspace(1.0, 0.0, steps + 1, device=model.device)


def noise(model: zoo.Path, n: int) -> Tensor:
    """States at t = 1, shape (n, size).

    Normal with the variance a(1)² + s(1)² that data of unit variance have there: 1 for every
    variance-preserving path.
    """
    c = model.coefficients(torch.ones((), device=model.device))
    spread = torch.sqrt(c.a.square() + c.s.square())
    return spread * torch.randn(n, model.size, device=model.device)


def check_steps(sampler: str, steps: object) -> None:
    """See that a number of steps is one.

    Raises:
        UsageError: If it is less than 1.

    Example:
        >>> check_steps("ddim", 1)
    """
    if not isinstance(steps, int) or steps < 1:
        raise UsageError(f"{sampler}[steps={steps!r}]: expected a whole number of at least 1.")
