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
        if logits.ndim == 1:
            return self.alias(logits).draw(size, generator)
        sums = torch.softmax(logits, dim=-1).cumsum(dim=-1)
        where, *random = torch.rand(
            3, *sums.shape[:-1], generator=generator, device=sums.device, dtype=sums.dtype
        )
        where = where * sums[..., -1]  # rounding may leave the last sum off one
        knot = torch.searchsorted(sums, where[..., None])[..., 0].clamp(max=self.count - 1)
        return self._beside(knot, random[0] + random[1] - 1)

    def alias(self, logits: Tensor) -> Alias:
        """What many draws of one density need; logits as in `log_prob`, shape (count,)."""
        share, other = _alias((self.count * torch.softmax(logits, dim=0)).tolist())
        knots, ways = [*range(self.count), *other], [self._way(knot) for knot in range(self.count)]
        slopes, offsets = [], []
        for knot, low, high in zip(
            knots, [0.0] * self.count + share, share + [1.0] * self.count, strict=True
        ):
            start, end = ways[knot]
            slopes.append((end - start) / (high - low) if high > low else 0.0)
            offsets.append(start - low * slopes[-1])
        rows = (share, [self.low + self.step * knot for knot in knots], slopes, offsets)
        return Alias(self.step, *(torch.tensor(row).to(logits) for row in rows))

    def _way(self, knot: int) -> tuple[float, float]:
        """Where a hat begins and ends, in steps from its knot."""
        inside = self.circle or 0 < knot < self.count - 1
        return (-1.0, 1.0) if inside else (0.0, 1.0) if knot == 0 else (-1.0, 0.0)

    def _beside(self, knot: Tensor, beside: Tensor) -> Tensor:
        """Numbers at knots and a triangular number, between −1 and 1, beside them."""
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


@dataclass(frozen=True)
class Alias:
    """A density of hats made ready to be drawn from, with one random number and no search each.

    A random number chooses an even share of the whole, and what is left of it one of the two knots
    that have a part in this share; what is left then goes beside that knot. With 64 knots there are
    18 bits of single precision left for that.

    Args:
        step: Distance between neighbouring knots.
        share: How much of each even share its own knot has, shape (count,).
        knot: Where the knots are that have a part in each share, first the own ones and then the
            others, shape (2 count,).
        slope: By how much each of these goes on with the random number, shape (2 count,).
        offset: Where it begins, shape (2 count,).

    Reference:
        Walker (1977), doi:10.1145/355744.355749; Vose (1991), doi:10.1109/32.92917.

    Example:
        >>> flat = Hats(0.0, 1.0, 2).alias(torch.tensor([0.0, 0.0]))
        >>> flat.draw((3,), torch.Generator().manual_seed(0)).shape
        torch.Size([3])
    """

    step: float
    share: Tensor
    knot: Tensor
    slope: Tensor
    offset: Tensor

    def draw(self, size: tuple[int, ...], generator: torch.Generator | None = None) -> Tensor:
        """Independent numbers, shape `size`."""
        like, count = self.share, len(self.share)
        u = torch.rand(math.prod(size), generator=generator, device=like.device, dtype=like.dtype)
        u *= count
        part = u.int()
        u -= part
        part.add_(u >= like.index_select(0, part), alpha=count)
        u = torch.addcmul(
            self.offset.index_select(0, part), self.slope.index_select(0, part), u
        ).clamp_(-1, 1)
        # A triangular number, by the inverse of its distribution function.
        beside = torch.copysign(1 - (1 - u.abs()).sqrt_(), u)
        return self.knot.index_select(0, part).add_(beside, alpha=self.step).view(size)


def _alias(weights: list[float]) -> tuple[list[float], list[int]]:
    """Vose's tables of weights whose mean is 1."""
    share, other = [1.0] * len(weights), list(range(len(weights)))
    small = [k for k, weight in enumerate(weights) if weight < 1]
    large = [k for k, weight in enumerate(weights) if weight >= 1]
    while small and large:
        less, more = small.pop(), large[-1]
        share[less], other[less] = weights[less], more
        weights[more] -= 1 - weights[less]
        if weights[more] < 1:
            small.append(large.pop())
    return share, other
