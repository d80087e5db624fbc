"""Densities of one number that are straight between knots: exact to evaluate, cheap to draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Hats:
    """A density on an interval or a circle as a mixture of triangular hats on even knots.

    Between two knots the density is a straight line, so whatever is smooth on the scale of their
    spacing h is met to order h². A draw is a knot, and a triangular number beside it.

    Args:
        low: First knot.
        high: Last knot; on a circle it is the first one again, and is not counted.
        count: Number of knots, at least 2.
        circle: Whether the ends meet. On an interval the density ends at `low` and `high`.

    Example:
        >>> flat = Hats(0.0, 1.0, 5)
        >>> weights = torch.tensor([0.5, 1.0, 1.0, 1.0, 0.5])  # half a hat at each end
        >>> flat.log_prob(weights.log(), torch.tensor([0.0, 0.3, 0.75])).abs().max().item() < 1e-5
        True
    """

    low: float
    high: float
    count: int
    circle: bool = False

    @property
    def step(self) -> float:
        """Distance between neighbouring knots."""
        return (self.high - self.low) / (self.count if self.circle else self.count - 1)

    def knots(self, like: Tensor) -> Tensor:
        """The knots, shape (count,), on the device of another tensor and of its type."""
        return self.low + self.step * torch.arange(self.count, device=like.device).to(like)

    def log_prob(self, logits: Tensor, values: Tensor) -> Tensor:
        """Log-density.

        Args:
            logits: Logarithms of the weights of the knots, up to a constant, shape (..., count),
                or (count,) for the same density everywhere.
            values: Where it is asked for, shape (...).

        Returns:
            Natural logarithms, shape (...); −∞ outside the interval.
        """
        place = (values - self.low) / self.step
        place = place % self.count if self.circle else place.clamp(0, self.count - 1)
        first = place.long().clamp(max=self.count - 1 if self.circle else self.count - 2)
        share = (place - first).clamp(1e-7, 1 - 1e-7)
        weights = torch.log_softmax(logits, dim=-1) + self._sharpness(logits)
        weights = weights.expand(*values.shape, -1)
        left = weights.gather(-1, first[..., None])[..., 0]
        right = weights.gather(-1, ((first + 1) % self.count)[..., None])[..., 0]
        found = torch.logaddexp(left + torch.log1p(-share), right + share.log())
        if not self.circle:
            found = found.masked_fill((values < self.low) | (values > self.high), -math.inf)
        return found - math.log(self.step)

    def fitted(self, values: Tensor) -> Tensor:
        """Logits, shape (count,), by how many of some numbers are nearest to each knot."""
        place = ((values.flatten() - self.low) / self.step).round().long()
        place = place % self.count if self.circle else place.clamp(0, self.count - 1)
        counts = torch.bincount(place, minlength=self.count).to(values)
        return (counts + 0.5).log()

    def draw(
        self, logits: Tensor, size: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw numbers.

        Args:
            logits: As in `log_prob`.
            size: For a single density, how many; otherwise there is one of each.
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            Independent numbers, shape (...) or `size`.
        """
        sums = torch.softmax(logits, dim=-1).cumsum(dim=-1)
        shape = size if logits.ndim == 1 else logits.shape[:-1]
        knot_random, *random = torch.rand(
            3, *shape, generator=generator, device=logits.device, dtype=logits.dtype
        )
        knot_random = knot_random * sums[..., -1]  # rounding may leave the last sum off one
        if logits.ndim == 1:
            knot = torch.searchsorted(sums, knot_random)
        else:
            knot = torch.searchsorted(sums, knot_random[..., None])[..., 0]
        knot = knot.clamp(max=self.count - 1)
        beside = random[0] + random[1] - 1
        if not self.circle:  # the hats at the ends have one side
            beside = torch.where(knot == 0, beside.abs(), beside)
            beside = torch.where(knot == self.count - 1, -beside.abs(), beside)
        found: Tensor = self.low + self.step * (knot + beside)
        return found

    def _sharpness(self, like: Tensor) -> Tensor:
        """Logarithm of each hat's height times h: half a hat is twice as high."""
        heights = like.new_zeros(self.count)
        if not self.circle:
            heights[0] = heights[-1] = math.log(2)
        return heights
