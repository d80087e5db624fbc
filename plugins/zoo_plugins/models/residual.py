"""An energy on top of another model: of what that one draws, some is kept."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import UsageError
from zoo.generative import MLP
from zoo.polymer import augment, bond_lengths
from zoo.polymer.rejection import first_accepted
from zoo.polymer.representations import Standardized
from zoo_plugins.models.potential import (
    CELL,
    CELLS,
    PairPotentials,
    Pairs,
    bonds_of,
    kinds_of,
    look_up,
    separations,
)

PASSES, BATCH, RATE = 30, 500, 3e-3
"""How the energy is learned: passes over the data, conformations per step, rate of Adam."""

POOL = 6
"""Conformations drawn to learn it, for each of the data."""

FRESH = 4_000
"""Conformations drawn to see what is kept, at least."""

APART = 11
"""Beads with more bonds between them than this are told apart no further."""

AT_ONCE = 1_000
"""Conformations that are drawn at once, to learn from."""

LEAST = 0.25
"""Share of the draws that is kept at least, whatever is lost."""

HOPELESS = -12.0
"""Logarithm of the weight of what should never have been drawn."""


class Corrected(Protocol):
    """What can be corrected: a model with coordinates that is trained by gradients."""

    coordinates: Standardized

    def fit(self, x: Tensor) -> None:
        """See `zoo.Model`."""

    def loss(self, x: Tensor) -> Tensor:
        """See `zoo.Trainable`."""
        ...


class Residual(zoo.OneShot):
    """p(x) ∝ q(x) exp(−E(x)): the density of another model, and an energy that corrects it.

    What a model has missed, a classifier can see: trained to tell data from what the model draws,
    its logit is ln p/q. Here it is a sum of learned potentials over all pairs of beads, and what
    a small network says of the rest. What q draws is then kept in proportion to exp(−E). This must
    not exceed 1, and is clipped where it is largest: p is what is drawn after that. The logarithm
    of Z is known to about 0.005 nats.

    Abstract: a model says what it corrects, and how that is drawn from.

    Args:
        shape: `(beads, dim)`.
        base: What is corrected; its loss is this model's.
        clipped: Share of all probability that is lost by clipping, unless fewer than a quarter of
            the draws would be kept; then more is.
        energy: Whether anything is corrected; otherwise all draws are kept.

    Raises:
        zoo.errors.UsageError: If the chain has fewer than 3 beads, or `clipped` is not in [0, 1).

    Reference:
        Deng et al. (2020), arXiv:2004.11714, for the model; Azadi et al. (2019),
        arXiv:1810.06758, for how it is drawn from.
    """

    table: Tensor
    unit: Tensor
    most: Tensor
    log_z: Tensor

    def __init__(
        self,
        shape: tuple[int, int],
        base: Corrected,
        *,
        clipped: float,
        energy: bool = True,
    ) -> None:
        super().__init__()
        beads, _ = shape
        if beads < 3 or not 0 <= clipped < 1:
            raise UsageError(
                f"clipped={clipped} for {beads} beads: expected a share in [0, 1), and at least 3 "
                "beads, or there are no pairs to correct."
            )
        self.base: Corrected = base
        self.clipped = clipped
        self.corrected = energy
        self.pairs = Pairs(beads, most=APART)
        kinds = kinds_of(separations(beads, APART))
        self.potential = PairPotentials(kinds, channels=1, width=48).requires_grad_(False)
        self.register_buffer("table", torch.zeros(len(kinds), CELLS))
        inputs = base.coordinates.size + len(self.pairs.rows)
        self.rest = MLP(inputs, 1, width=32, depth=1).silent().requires_grad_(False)
        for name in ("unit", "most", "log_z"):
            self.register_buffer(name, torch.zeros(()))

    @abstractmethod
    def propose(self, n: int) -> Tensor:
        """Conformations (n, beads, dim) of the model that is corrected."""

    def fit(self, x: Tensor) -> None:
        """Fit what is corrected."""
        self.base.fit(x)
        self.unit = bond_lengths(x).mean()

    def loss(self, x: Tensor) -> Tensor:
        """That of what is corrected."""
        found: Tensor = self.base.loss(x)
        return found

    def finish(self, x: Tensor) -> None:
        """Learn the energy, and how much is kept by it."""
        if not self.corrected:
            return
        self.potential.closest[:] = self.pairs.closest(x) / self.unit
        self._learn(x, self._many(POOL * len(x)))
        self.table = self.potential.tables()[0]
        fresh = torch.split(self._many(max(2 * len(x), FRESH)), AT_ONCE)
        weights = torch.cat([self._log_weight(part, self.table) for part in fresh])
        self.most = highest(weights, self.clipped)
        self.log_z = weights.clamp(max=self.most).logsumexp(0) - math.log(len(weights))

    def draw(self, n: int) -> Tensor:
        """Let the other model draw, and keep what the energy lets pass."""
        if not self.corrected:
            return self.propose(n)
        return first_accepted(n, self._kept, share=float(torch.exp(self.log_z - self.most)))

    def _kept(self, count: int) -> Tensor:
        """Those of so many proposals that are kept."""
        x = self.propose(count)
        probability = torch.exp(self._tilt(x) - self.most)
        return x[torch.rand_like(probability) < probability]

    def _log_weight(self, x: Tensor, table: Tensor) -> Tensor:
        """What ln p/q is by the energy, shape (n,), before it is clipped above."""
        squared = self.pairs.squared(bonds_of(x) / self.unit)
        seen = torch.cat([self.base.coordinates.encode(x), squared.sqrt().mT / 3 - 1], dim=1)
        energy: Tensor = self.rest(seen).squeeze(1)
        energy = energy + look_up(table, self.pairs.rows, squared / CELL).sum(dim=0)
        return (-energy).clamp(min=HOPELESS)

    def _tilt(self, x: Tensor) -> Tensor:
        """What ln p/q is in what is drawn, shape (n,): clipped above."""
        return self._log_weight(x, self.table).clamp(max=self.most)

    def _many(self, n: int) -> Tensor:
        """So many conformations of the other model."""
        return torch.cat([self.propose(min(AT_ONCE, n - k)) for k in range(0, n, AT_ONCE)])

    def _learn(self, x: Tensor, drawn: Tensor) -> None:
        """Logistic regression: is a chain of the data, or was it drawn?"""
        learned = [*self.potential.parameters(), *self.rest.parameters()]
        batch = min(BATCH, len(x))
        steps = PASSES * len(x) // batch
        optimizer = torch.optim.Adam(learned, lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for tensor in learned:
            tensor.requires_grad_(True)
        with torch.enable_grad():
            for _ in range(steps):
                table = self.potential.tables()[0]
                true = self._log_weight(augment(some(x, batch)), table)
                false = self._log_weight(some(drawn, POOL * batch), table)
                # The loss of a logit of 0 for either is ln 2.
                loss = nn.functional.softplus(-true).mean() + nn.functional.softplus(false).mean()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
        for tensor in learned:
            tensor.requires_grad_(False)


def some(x: Tensor, n: int) -> Tensor:
    """So many of these conformations, by chance."""
    return x[torch.randint(len(x), (n,), device=x.device)]


def highest(weights: Tensor, clipped: float) -> Tensor:
    """The level above which weights exp(w) are clipped, shape ().

    It is never so high that drawing in proportion to them keeps less than `LEAST`.

    Args:
        weights: Their logarithms, shape (n,).
        clipped: Share of their sum that may lie above.

    Example:
        >>> even, steep = torch.zeros(1000), torch.arange(1000.0)
        >>> float(highest(even, 0.01)), round(float(highest(steep, 0.01)))
        (0.0, 750)
    """
    top = weights.max()
    total = (weights - top).exp().sum()
    low, high = weights.min(), top
    for _ in range(30):
        level = (low + high) / 2
        few = (weights - level).clamp(max=0).exp().mean() < LEAST
        lost = total - (weights.clamp(max=level) - top).exp().sum()
        lower = few | (lost <= clipped * total)
        low, high = torch.where(lower, low, level), torch.where(lower, level, high)
    return high
