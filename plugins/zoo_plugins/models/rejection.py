"""Draws that are kept or not, until there are enough."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

MOST = 65_536
"""Proposals that are made at once, at most."""


def enough(n: int, share: float, attempt: Callable[[int], Tensor]) -> Tensor:
    """Let proposals be made until so many have been kept.

    Args:
        n: How many are wanted.
        share: Which part of the proposals is kept on average, above 0; only the cost depends on it.
        attempt: Makes a number of proposals, and gives those that are kept.

    Returns:
        What was kept, n of them.

    Example:
        >>> enough(3, 0.5, lambda count: torch.arange(count)[1::2])
        tensor([1, 3, 5])
    """
    found: list[Tensor] = []
    missing, share = n, min(share, 1.0)
    while missing > 0:
        spread = math.sqrt(missing * (1 - share))  # of how many are kept
        found.append(attempt(min(MOST, math.ceil((missing + 2 * spread) / share))))
        missing -= len(found[-1])
    return torch.cat(found)[:n]
