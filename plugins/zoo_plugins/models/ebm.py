"""An energy-based model of chains whose draws are exact: repulsive pair potentials, rejection."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import PluginError
from zoo.generative import Hats
from zoo.polymer import augment, bond_lengths, random_rotations, rotate
from zoo.polymer.coordinates import Internal
from zoo_plugins.models.bonds import KNOTS, BondGrid
from zoo_plugins.models.potential import CELL, PairPotentials, look_up

PROPOSALS = 4096
"""Chains that the normalising constant is estimated by in a training step."""

SURE = 0.002
"""Standard error of log Z, in nats, at which it is known."""

MOST = 4_000_000
"""Chains that are proposed for that, at most."""

LARGEST = 10_000
"""Chains that are proposed at once, at most."""


class EBM(zoo.OneShot):
    """A density that is a product of simple ones times exp(−E) with a learned repulsive energy.

    p(x) = ∏ p(length) ∏ p(angle) ∏ p(dihedral) exp(−Σ φ_s(d)) / Z with a potential φ_s ≥ 0 for
    pairs that are s bonds apart. All of it is learned by likelihood. The product is drawn from at
    once, and since the energy is never negative a proposal can be kept with probability exp(−E):
    draws are exact and independent. Z is the share that is kept.

    It assumes that interactions are between pairs and repel, and learns how. Its cost grows with
    1 / Z, exponentially in the length of the chain.

    Args:
        shape: `(beads, dim)`.
        width: Units of a hidden layer of the potential.

    Raises:
        zoo.errors.PluginError: When drawing or evaluating, if fewer than one proposal in 10,000
            is kept.

    Reference:
        Hinton (2002), doi:10.1162/089976602760128018, for products of experts; Geyer (1994) for
        likelihood by draws from another density.

    Example:
        >>> model = EBM((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        4193
    """

    recipe = zoo.Recipe(epochs=40, batch_size=512, learning_rate=5e-3)
    rows: Tensor
    differences: Tensor
    beyond: Tensor

    def __init__(self, shape: tuple[int, int], *, width: int = 48) -> None:
        super().__init__()
        beads, dim = shape
        self.shape = shape
        self.internal = Internal(shape)
        self.plane = dim == 2
        self._known: tuple[bytes, float] | None = None
        low = -math.pi if self.plane else 0.0
        self.turns = Hats(low, math.pi, 64, circle=self.plane)
        self.twists = Hats(-math.pi, math.pi, 64, circle=True)
        self.bonds = BondGrid()
        self.length = nn.Parameter(torch.zeros(KNOTS))
        self.turn = nn.Parameter(torch.zeros(64))
        if not self.plane:
            self.twist = nn.Parameter(torch.zeros(64))
        first, second = torch.triu_indices(beads, beads, 2)
        one = torch.eye(beads)
        self.register_buffer("differences", (one[first] - one[second]).mT, persistent=False)
        apart = torch.arange(2, max(beads, 3))
        self.register_buffer("rows", second - first - 2, persistent=False)
        kinds = torch.stack([1 / apart, apart / 10], dim=1)
        self.potential = PairPotentials(kinds, channels=1, width=width)
        beyond = self.potential.cells > (1.1 * apart[:, None]) ** 2
        self.register_buffer("beyond", beyond, persistent=False)
        last = self.potential.network[-1]
        if isinstance(last, nn.Linear):  # the square of nothing would stay nothing
            nn.init.normal_(last.weight, std=0.05)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Begin with the lengths and angles of the data: where there are none, none is proposed."""
        self.bonds.fit(bond_lengths(x))
        nearest = [self._squared(part).min() for part in torch.split(x, 1000)]
        self.potential.closest[:] = torch.stack(nearest).min().sqrt()
        lengths, turns, twists = self._split(self.internal.encode(augment(x)))
        self.length[:] = self.bonds.hats.fitted(lengths)
        self.turn[:] = self.turns.fitted(turns)
        if not self.plane:
            self.twist[:] = self.twists.fitted(twists)

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood per coordinate, with Z estimated by proposals."""
        table = self._table()
        with torch.no_grad():
            z = self._propose(PROPOSALS)
            before = self._log_base(z)
        weights = self._log_base(z) - before - self._energy(self.internal.decode(z), table)
        log_z = torch.logsumexp(weights, dim=0) - math.log(PROPOSALS)
        own = self._log_base(self.internal.encode(x)) - self._energy(x, table)
        return (log_z - own.mean()) / self.internal.size

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        base = self._log_base(self.internal.encode(x)) + self.internal.log_det(x)
        return base - self._energy(x, self._table()) - self._log_z()

    def draw(self, n: int) -> Tensor:
        """Propose chains and keep each with probability exp(−E); turn them at random."""
        table = self._table()
        kept: list[Tensor] = []
        have = proposed = 0
        while have < n:
            share = (have + 1) / (proposed + 1)
            count = min(LARGEST, math.ceil(1.05 * (n - have) / share) + 16)
            x = self.internal.decode(self._propose(count))
            energy = self._energy(x, table)
            kept.append(x[torch.rand_like(energy) < torch.exp(-energy)])
            have, proposed = have + len(kept[-1]), proposed + count
            if proposed >= 20 * LARGEST:
                self._refuse_if_few(have, proposed)
        x = torch.cat(kept)[:n]
        return rotate(x, random_rotations(n, x.shape[-1], dtype=x.dtype, device=x.device))

    def _table(self) -> Tensor:
        """The potentials, never negative, shape (kinds, CELLS)."""
        learned = self.potential.learned()[0].square()
        least = learned.masked_fill(self.beyond, math.inf).amin(dim=1, keepdim=True)
        return (learned - least).clamp(min=0) + self.potential.walls()[0]

    def _squared(self, x: Tensor) -> Tensor:
        """Squared distances of all pairs that are not bonded, (n, pairs), in bond lengths."""
        apart = (x.mT.flatten(0, 1) @ self.differences).view(len(x), x.shape[2], -1)
        return apart.square_().sum(dim=1) / self.bonds.mean**2

    def _energy(self, x: Tensor, table: Tensor) -> Tensor:
        """Energies of conformations, shape (n,), in kT."""
        return look_up(table, self.rows, self._squared(x) / CELL).sum(dim=1)

    def _split(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Lengths, turns and twists among internal coordinates."""
        beads = self.shape[0]
        return z[:, : beads - 1], z[:, beads - 1 : 2 * beads - 3], z[:, 2 * beads - 3 :]

    def _log_base(self, z: Tensor) -> Tensor:
        """Log-density of internal coordinates without the energy, shape (n,)."""
        lengths, turns, twists = self._split(z)
        found = _each(self.bonds.hats, self.length, lengths) + _each(self.turns, self.turn, turns)
        return found if self.plane else found + _each(self.twists, self.twist, twists)

    def _propose(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Internal coordinates without regard to the energy, shape (n, size)."""
        beads = self.shape[0]
        parts = [(self.bonds.hats, self.length, beads - 1), (self.turns, self.turn, beads - 2)]
        if not self.plane:
            parts.append((self.twists, self.twist, beads - 3))
        return torch.cat(
            [hats.draw(logits, (n, count), generator) for hats, logits, count in parts], dim=1
        )

    def _log_z(self) -> float:
        """Logarithm of the share of proposals that is kept; anew whenever the model has changed."""
        tensors = [x.detach().flatten().double() for x in self.state_dict().values()]
        state = torch.cat(tensors).cpu().numpy().tobytes()
        if self._known is None or self._known[0] != state:
            self._known = state, self._estimate_log_z()
        return self._known[1]

    @torch.no_grad()
    def _estimate_log_z(self) -> float:
        """The same, from random numbers of its own."""
        generator = torch.Generator(self.device).manual_seed(0)
        table = self._table()
        total = squares = 0.0
        proposed = 0
        while proposed < MOST:
            x = self.internal.decode(self._propose(LARGEST, generator))
            kept = torch.exp(-self._energy(x, table)).double()
            total, squares = total + float(kept.sum()), squares + float(kept.square().sum())
            proposed += LARGEST
            error = math.sqrt(max(squares - total**2 / proposed, 0.0)) / max(total, 1e-300)
            if proposed >= 20 * LARGEST:
                self._refuse_if_few(total, proposed)
                if error < SURE:
                    break
        return math.log(total / proposed)

    def _refuse_if_few(self, kept: float, proposed: int) -> None:
        if kept * 10_000 < proposed:
            raise PluginError(
                f"ebm keeps {kept:.0f} of {proposed:,} proposed chains of {self.shape[0]} beads: "
                "nearly all overlap. Take shorter chains, or a model that grows them: grow."
            )


def _each(hats: Hats, logits: Tensor, values: Tensor) -> Tensor:
    """Log-density of independent numbers (n, count), shape (n,)."""
    return hats.log_prob(logits, values).sum(dim=1)
