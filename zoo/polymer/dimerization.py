"""Exact independent chains with excluded volume, by rejection of halves and of their joints.

The repulsion is never negative, so an ideal chain accepted with probability exp(−U_wca) is an
exact draw. That dies exponentially with length; but the repulsion within either half may be
judged first, half by half, and only that between the halves when they are joined.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from zoo.errors import UsageError
from zoo.polymer.geometry import center
from zoo.polymer.ideal import Ideal, unit
from zoo.polymer.rejection import first_accepted
from zoo.polymer.repulsion import between, within

LONGEST_WHOLE = 8
"""Chains up to this many beads are accepted as a whole: halves gain nothing there."""

_SEED = 20_260_101
_EVEN_CHAINS = 75_497_472  # 2¹⁹ · 12²: 0.0016 nats at 12 beads, 0.025 at 96


class Estimate(NamedTuple):
    """A number known from random samples.

    Args:
        value: The estimate.
        standard_error: Its standard deviation over repetitions of the estimation.
    """

    value: float
    standard_error: float


@dataclass(frozen=True)
class Proposal:
    """Proposed chains and how likely each is to be accepted.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.
        chance: Acceptance probabilities, shape (n,).
    """

    x: Tensor
    chance: Tensor


def draw(ideal: Ideal, n: int, beads: int, generator: Generator | None) -> Tensor:
    """Draw independent chains with excluded volume.

    Args:
        ideal: Law of bonds and angles.
        n: How many.
        beads: Beads of each, at least 2.
        generator: Source of randomness; torch's global random state if `None`.

    Returns:
        Centred conformations in uniformly random directions, shape (n, beads, dim), in σ.

    Raises:
        UsageError: If nearly every proposal has overlaps.

    Reference:
        Suzuki, Bull. Chem. Soc. Jpn. 41 (1968), 538 (dimerization); Madras & Slade, The
        Self-Avoiding Walk (1993), section 9.3.2.

    Example:
        >>> ideal = Ideal(dim=2, k=100.0, r0=1.0, kb=1.0)
        >>> draw(ideal, 3, beads=20, generator=None).shape
        torch.Size([3, 20, 2])
    """

    def accepted(count: int) -> Tensor:
        proposal = propose(ideal, count, beads, generator)
        return proposal.x[torch.rand(count, generator=generator) < proposal.chance]

    try:
        return first_accepted(n, accepted)
    except UsageError as error:
        raise UsageError(
            f"nearly all chains overlap: {error} Choose a larger r0, k or kb, so that beads two "
            "bonds apart keep their distance."
        ) from None


def propose(ideal: Ideal, n: int, beads: int, generator: Generator | None) -> Proposal:
    """Make proposals: ideal chains, or pairs of accepted halves joined by a fresh bond.

    Every half enters one pair only. To keep a half whose partner was refused would favour
    halves that refuse many, and tie the chains together.

    Args:
        ideal: Law of bonds and angles.
        n: How many.
        beads: Beads of each, at least 2.
        generator: Source of randomness; torch's global random state if `None`.

    Returns:
        Independent proposals.

    Example:
        >>> ideal = Ideal(dim=2, k=100.0, r0=1.0, kb=1.0)
        >>> propose(ideal, 4, 2, None).chance.tolist()  # two beads never overlap
        [1.0, 1.0, 1.0, 1.0]
    """
    if beads <= LONGEST_WHOLE:
        x = ideal.grow(n, beads, generator)
        return Proposal(x, torch.exp(-within(x)))
    a = draw(ideal, n, beads // 2, generator)
    b = _attach(ideal, a, draw(ideal, n, beads - beads // 2, generator), generator)
    return Proposal(center(torch.cat([a, b], dim=1)), torch.exp(-between(a, b)))


def log_acceptance(ideal: Ideal, beads: int) -> Estimate:
    """Logarithm of the chance that an ideal chain has no overlaps: log E[exp(−U_wca)].

    The product over all joints of the chance that the joint is accepted, each estimated once
    with a generator of its own and kept for the life of the process.

    Args:
        ideal: Law of bonds and angles.
        beads: Beads of the chain, at least 2.

    Returns:
        The logarithm, in nats, with its standard error.

    Example:
        >>> log_acceptance(Ideal(dim=2, k=100.0, r0=1.0, kb=1.0), beads=2)
        Estimate(value=0.0, standard_error=0.0)
    """
    value = variance = 0.0
    for length, count in _segments(beads).items():
        joint = _log_joint(ideal, length)
        value += count * joint.value
        variance += (count * joint.standard_error) ** 2  # the same estimate, count times
    return Estimate(value, math.sqrt(variance))


def _attach(ideal: Ideal, a: Tensor, b: Tensor, generator: Generator | None) -> Tensor:
    """Place `b` behind `a`: a fresh bond, and fresh angles on either side of it.

    A mirror brings the first bond of `b` into the direction drawn for it. The law of `b` knows
    no direction and no handedness, so a mirror serves as well as a rotation, and any
    mirror that does it leaves the spin of `b` about its first bond uniform.
    """
    bond = ideal.turn(unit(a[:, -1] - a[:, -2]), generator)
    onward = ideal.turn(bond, generator)
    b = b - b[:, :1]
    normal = (unit(b[:, 1]) - onward)[:, None]
    size = normal.square().sum(dim=-1, keepdim=True).clamp(min=torch.finfo(b.dtype).tiny)
    b = b - 2 * (b * normal).sum(dim=-1, keepdim=True) / size * normal
    length = ideal.lengths(len(a), generator)
    return b + (a[:, -1] + length[:, None] * bond)[:, None]


def _segments(beads: int) -> Counter[int]:
    """How often each length occurs in the tree of halves, the whole chain included."""
    found = Counter([beads])
    if beads > LONGEST_WHOLE:
        found += _segments(beads // 2) + _segments(beads - beads // 2)
    return found


@cache
def _log_joint(ideal: Ideal, beads: int) -> Estimate:
    """Logarithm of the chance that one proposal of this length is accepted."""
    generator = Generator().manual_seed(_SEED + beads)
    # Long chains cost more and occur less often in the product: both go with their length.
    trials = max(2_048, _EVEN_CHAINS // max(beads, 6) ** 2)
    chances = torch.cat(
        [
            propose(ideal, min(65_536, trials - start), beads, generator).chance.double()
            for start in range(0, trials, 65_536)
        ]
    )
    mean = chances.mean().item()
    return Estimate(math.log(mean), chances.std().item() / math.sqrt(trials) / mean)
