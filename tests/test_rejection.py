"""Laws of rejection sampling: the first that are accepted, whatever was guessed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zoo.errors import UsageError
from zoo.polymer.rejection import first_accepted


class Thirds:
    """Proposes one number after another, and keeps every third."""

    def __init__(self) -> None:
        self.next = 0

    def __call__(self, count: int) -> Tensor:
        """Those of the next so many that are kept."""
        numbers = torch.arange(self.next, self.next + count)
        self.next += count
        return numbers[numbers % 3 == 0]


@pytest.mark.parametrize("share", [None, 1e-4, 0.05, 0.5, 1.0, 1.0000002])
def test_enough_are_drawn_however_few_are_kept(share: float | None) -> None:
    """The first that are accepted, in their order."""
    accepted = first_accepted(7, Thirds(), share=share)
    assert accepted.tolist() == [0, 3, 6, 9, 12, 15, 18]


@pytest.mark.parametrize("share", [None, 0.5])
def test_a_batch_is_bounded_and_an_end_is_made(share: float | None) -> None:
    """Nothing that is never accepted is proposed for ever, nor all at once."""
    sizes: list[int] = []

    def never(count: int) -> Tensor:
        sizes.append(count)
        return torch.zeros(0)

    with pytest.raises(UsageError, match="only 0 of 1,100,000 proposals were accepted"):
        first_accepted(10**6, never, share=share, at_once=100_000)
    assert max(sizes) == 100_000


def test_a_wrong_share_is_soon_corrected() -> None:
    """One in a thousand is found by a dozen batches, each larger than the one before."""
    batches = 0

    def seldom(count: int) -> Tensor:
        nonlocal batches
        batches += 1
        numbers = torch.arange(1 << (batches - 1), (1 << (batches - 1)) + count)
        return numbers[numbers % 1_000 == 0]

    assert len(first_accepted(1, seldom, share=1.0)) == 1
    assert batches < 15
