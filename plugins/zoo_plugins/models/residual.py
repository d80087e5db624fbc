"""An energy on top of another model: of what that one draws, some is kept."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import UsageError
from zoo.generative import MLP, VPSchedule
from zoo.generative.levels import multistep
from zoo.polymer import augment, bond_lengths
from zoo.polymer.representations import representation
from zoo_plugins.models.forces import PairNetwork, carries
from zoo_plugins.models.networks import ChainNetwork
from zoo_plugins.models.nsf import NSF
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
from zoo_plugins.models.rejection import enough
from zoo_plugins.models.score_sde import ScorePath

PASSES, BATCH, RATE = 30, 500, 3e-3
"""How the energy is learned: passes over the data, conformations per step, rate of Adam."""

POOL = 6
"""Conformations drawn to learn it, for each of the data."""

APART = 11
"""Beads with more bonds between them than this are told apart no further."""

AT_ONCE = 1_000
"""Conformations that are drawn at once, to learn from."""

LEAST = 0.25
"""Share of the draws that is kept at least, whatever is lost."""

HOPELESS = -12.0
"""Logarithm of the weight of what should never have been drawn."""


class Residual(zoo.OneShot):
    """p(x) ∝ q(x) exp(−E(x)): the density of another model, and an energy that corrects it.

    What a model has missed, a classifier can see: trained to tell data from what the model draws,
    its logit is ln p/q. Here it is a sum of learned potentials over all pairs of beads, and what
    a small network says of the rest. A draw x is then kept with probability exp(−E(x)) over the
    largest there is. That has no bound: where p/q is highest it is clipped.

    Abstract: a model says what it corrects, and how that is drawn from.

    Args:
        shape: `(beads, dim)`.
        base: What is corrected; its loss is this model's.
        clipped: Share of all probability that may be lost by clipping. The less, the fewer draws
            are kept.
        energy: Whether anything is corrected; otherwise all draws are kept.

    Reference:
        Deng et al. (2020), arXiv:2004.11714, for the model; Azadi et al. (2019),
        arXiv:1810.06758, for how it is drawn from.
    """

    table: Tensor
    unit: Tensor
    offset: Tensor
    most: Tensor
    log_z: Tensor

    def __init__(
        self,
        shape: tuple[int, int],
        base: NSF | ScorePath,
        *,
        clipped: float,
        energy: bool = True,
    ) -> None:
        super().__init__()
        self.base: NSF | ScorePath = base
        self.clipped = clipped
        self.corrected = energy
        beads, _ = shape
        self.pairs = Pairs(beads, most=APART)
        kinds = kinds_of(separations(beads, APART))
        self.potential = PairPotentials(kinds, channels=1, width=48).requires_grad_(False)
        self.register_buffer("table", torch.zeros(len(kinds), CELLS))
        inputs = base.coordinates.size + len(self.pairs.rows)
        self.rest = MLP(inputs, 1, width=32, depth=1).silent().requires_grad_(False)
        for name in ("unit", "offset", "most", "log_z"):
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
        weights = self._log_weight(self._many(2 * len(x)), self.table)
        self.most = highest(weights, self.clipped)
        self.log_z = weights.clamp(max=self.most).logsumexp(0) - math.log(len(weights))

    def draw(self, n: int) -> Tensor:
        """Let the other model draw, and keep what the energy lets pass."""
        return enough(n, float(torch.exp(self.log_z - self.most)), self._kept)

    def _kept(self, count: int) -> Tensor:
        """Those of so many proposals that are kept."""
        x = self.propose(count)
        probability = torch.exp(self._tilt(x) - self.most)
        return x[torch.rand_like(probability) < probability]

    def _log_weight(self, x: Tensor, table: Tensor) -> Tensor:
        """What ln p/q is by the energy, shape (n,), before it is clipped above."""
        squared = self.pairs.squared(bonds_of(x) / self.unit)
        seen = torch.cat([self.base.coordinates.encode(x), squared.sqrt().mT / 3 - 1], dim=1)
        found: Tensor = self.offset - self.rest(seen).squeeze(1)
        found = found - look_up(table, self.pairs.rows, squared / CELL).sum(dim=0)
        return found.clamp(min=HOPELESS)

    def _tilt(self, x: Tensor) -> Tensor:
        """The same as it is drawn, shape (n,)."""
        return self._log_weight(x, self.table).clamp(max=self.most)

    def _many(self, n: int) -> Tensor:
        """So many conformations of the other model."""
        return torch.cat([self.propose(min(AT_ONCE, n - k)) for k in range(0, n, AT_ONCE)])

    def _learn(self, x: Tensor, drawn: Tensor) -> None:
        """Logistic regression: is a chain of the data, or was it drawn?"""
        learned = [*self.potential.parameters(), *self.rest.parameters(), self.offset]
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


class NSFEBM(Residual):
    """A spline flow, and an energy of pairs that corrects it; its density is known.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        clipped: Share of all probability that may be lost; the less, the more is drawn in vain.

    Example:
        >>> model = NSFEBM((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        236792
    """

    recipe = NSF.recipe
    base: NSF

    def __init__(
        self, shape: tuple[int, int], *, coordinates: str | None = None, clipped: float = 0.005
    ) -> None:
        super().__init__(shape, NSF(shape, coordinates=coordinates), clipped=clipped)

    def propose(self, n: int) -> Tensor:
        """Draws of the flow."""
        return self.base.draw(n)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        return self.base.log_prob(x) + self._tilt(x) - self.log_z


class SDEEBM(Residual):
    """Diffusion whose scores know of forces between beads, and an energy that corrects it.

    Args:
        shape: `(beads, dim)`.
        calls: Network calls of a draw, of which somewhat more are made than are kept.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        clipped: Share of all probability that may be lost; the less, the more is drawn in vain.
        forces: Whether there are forces, if the coordinates carry them.
        energy: Whether draws are corrected; otherwise all of them are kept.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Raises:
        zoo.errors.UsageError: If `calls` is less than 1.

    Example:
        >>> model = SDEEBM((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        136151
    """

    # A force is a sharp function of a distance, and is still learned when the rest has been.
    recipe = zoo.Recipe(epochs=300, batch_size=1024, learning_rate=3e-3)
    base: ScorePath

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        calls: int = 17,
        coordinates: str | None = None,
        clipped: float = 0.02,
        forces: bool = True,
        energy: bool = True,
        width: int = 192,
        depth: int = 3,
    ) -> None:
        if calls < 1:
            raise UsageError(f"sde-ebm[calls={calls}]: expected at least one.")
        state = representation(coordinates, shape)
        network = PairNetwork if forces and carries(state) else ChainNetwork
        path = ScorePath(state, VPSchedule(), network(state, width=width, depth=depth))
        super().__init__(shape, path, clipped=clipped, energy=energy)
        self.calls = calls

    def propose(self, n: int) -> Tensor:
        """Walks along the path."""
        return self.base.decode(multistep(self.base, n, self.calls))


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
