"""Rejection sampling: proposals that are accepted or not, until there are enough."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from zoo.errors import UsageError


def first_accepted(
    n: int,
    propose: Callable[[int], Tensor],
    *,
    share: float | None = None,
    at_once: int = 65_536,
) -> Tensor:
    """Repeat a rejection step until `n` proposals have been accepted.

    The first n of a stream of accepted proposals are independent however the stream was cut
    into batches, so batch sizes may follow the acceptance rate seen so far.

    Args:
        n: How many to keep.
        propose: Makes the stated number of proposals and returns those accepted, in order.
        share: Which part is accepted on average, above 0, where that is known: fewer are then
            proposed in vain. A wrong one costs time only.
        at_once: Most proposals in one batch; bounds the memory.

    Returns:
        The first n accepted proposals, stacked along the first axis.

    Raises:
        UsageError: If fewer than one proposal in 10⁵ is accepted.

    Example:
        >>> first_accepted(3, lambda k: torch.arange(k)[::4]).tolist()
        [0, 4, 8]
    """
    guess = 1.0 if share is None else min(share, 1.0)
    kept: list[Tensor] = []
    have = proposed = 0
    while have < n or not kept:
        missing, rate = n - have, (have + 1) / (proposed + 1 / guess)
        if share is None:
            needed = math.ceil(missing / rate * 1.02) + 16
        else:
            spread = math.sqrt(missing * (1 - rate))  # of how many are accepted
            needed = math.ceil((missing + 2 * spread) / rate)
        batch = min(at_once, needed)
        kept.append(propose(batch))
        have, proposed = have + len(kept[-1]), proposed + batch
        if have < proposed * 1e-5 and proposed > 1_000_000:
            raise UsageError(
                f"only {have} of {proposed:,} proposals were accepted; expected at least 1 in "
                "100,000."
            )
    return torch.cat(kept)[:n]
