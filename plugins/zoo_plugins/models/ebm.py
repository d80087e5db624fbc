"""An energy-based model of chains whose draws are exact: repulsive pair potentials, rejection."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import PluginError
from zoo.generative import Hats
from zoo.polymer import augment, bond_lengths, turn_at_random
from zoo.polymer.coordinates import Internal
from zoo_plugins.models.bonds import KNOTS, BondGrid
from zoo_plugins.models.pieces import Parts, Piece, Proposals
from zoo_plugins.models.potential import (
    CELL,
    CELLS,
    PairPotentials,
    Pairs,
    bonds_of,
    kinds_of,
    separations,
)

PROPOSALS = 2_048
"""Pieces that are proposed for each place in the chain in a training step."""

LARGEST = 4_096
"""The same when drawing, at most, at once."""

MOST = 500_000
"""The same for the normalising constant, at most in all."""

SURE = 0.002
"""Standard error of log Z, in nats, at which it is known."""


class EBM(zoo.OneShot):
    """A density that is a product of simple ones times exp(−E) with a learned repulsive energy.

    p(x) = ∏ p(length) ∏ p(angle) ∏ p(dihedral) exp(−Σ φ_s(d)) / Z with a potential φ_s ≥ 0 for
    pairs that are s bonds apart. All of it is learned by likelihood, whose gradient compares the
    data with draws of the model. Since the energy is never negative, what is proposed from the
    product can be kept with probability exp(−E): draws are exact and independent. Pieces are kept
    or not before two of them are joined, so that the cost does not grow exponentially with the
    length of the chain. Z is the product of the shares that are kept.

    It assumes that interactions are between pairs and repel, and learns how. The weights fit
    chains of any length.

    Args:
        shape: `(beads, dim)`.
        width: Units of a hidden layer of the potential.
        apart: Beads with more bonds between them than this are told apart no further; 11 is the
            most that there is in chains of 12 beads, so that longer ones ask for nothing beyond.
        knots: Knots of the density of an angle.

    Raises:
        zoo.errors.PluginError: When drawing or evaluating, if fewer than one proposal in 10,000
            is kept.

    Reference:
        Hinton (2002), doi:10.1162/089976602760128018, for products of experts.

    Example:
        >>> model = EBM((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        4161
    """

    recipe = zoo.Recipe(epochs=40, batch_size=512, learning_rate=1e-2)
    far: Tensor
    share: Tensor

    def __init__(
        self, shape: tuple[int, int], *, width: int = 48, apart: int = 11, knots: int = 32
    ) -> None:
        super().__init__()
        beads, dim = shape
        self.shape = shape
        self.internal = Internal(shape)
        self.plane = dim == 2
        self._kept: _Ready | None = None
        low = -math.pi if self.plane else 0.0
        self.turns = Hats(low, math.pi, knots, circle=self.plane)
        self.twists = Hats(-math.pi, math.pi, knots, circle=True)
        self.bonds = BondGrid()
        self.length = nn.Parameter(torch.zeros(KNOTS))
        self.turn = nn.Parameter(torch.zeros(knots))
        if not self.plane:
            self.twist = nn.Parameter(torch.zeros(knots))
        self.chain = Piece(shape, apart)
        self.pairs = Pairs(beads, most=apart)
        bonds = separations(beads, apart)
        self.potential = PairPotentials(kinds_of(bonds), channels=1, width=width)
        far = ((1.1 * bonds) ** 2 / CELL).long().clamp(max=CELLS - 1)
        self.register_buffer("far", far[:, None], persistent=False)
        self.register_buffer("share", torch.tensor(0.2))
        last = self.potential.network[-1]
        if isinstance(last, nn.Linear):  # the square of nothing would stay nothing
            nn.init.normal_(last.weight, std=0.05)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Begin with the lengths and angles of the data: where there are none, none is proposed."""
        self.bonds.fit(bond_lengths(x))
        self.potential.closest[:] = self.pairs.closest(x) / self.bonds.mean
        lengths, turns, twists = self._parts(augment(x))
        self.length[:] = self.bonds.hats.fitted(lengths)
        self.turn[:] = self.turns.fitted(turns)
        if not self.plane:
            self.twist[:] = self.twists.fitted(twists)

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood per coordinate, with Z by draws of the model."""
        table = self._table()
        with torch.no_grad():
            drawn, log_z = self.chain.grow(PROPOSALS, self.proposals())
            other = self.chain.decode(drawn)
            if self.training:  # what drawing will have to propose
                self.share.lerp_(self.share.new_tensor(len(other) / PROPOSALS), 0.1)
        seen = (self._log_base(self._parts(x)) - self._energy(x, table)).mean()
        own = (self._log_base(drawn) - self._energy(other, table)).mean()
        return (log_z + own - own.detach() - seen) / self.internal.size

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        base = self._log_base(self._parts(x)) + self.internal.log_det(x)
        return base - self._energy(x, self._table()) - self._log_z()

    def draw(self, n: int) -> Tensor:
        """Propose chains and keep each with probability exp(−E); turn them at random."""
        proposals, share = self.proposals(), float(self.share)
        kept: list[Parts] = []
        have = proposed = 0
        while have < n:
            count = min(LARGEST, math.ceil(1.05 * (n - have) / share) + 16)
            parts, _ = self.chain.grow(count, proposals)
            kept.append(parts)
            have, proposed = have + parts[0].shape[1], proposed + count
            share = (have + 1) / (proposed + 1)
            if proposed >= 20 * LARGEST:
                self.refuse_if_few(have, proposed)
        lengths, turns, twists = (torch.cat(part, dim=1)[:, :n] for part in zip(*kept, strict=True))
        x = self.chain.decode((lengths, turns, twists))
        return turn_at_random(x)

    def proposals(self) -> Proposals:
        """What draws are made of: densities of single coordinates, and an energy."""
        return self._ready().proposals

    def _parts(self, x: Tensor) -> Parts:
        """Lengths, turns and twists of conformations."""
        beads = self.shape[0]
        lengths, turns, twists = self.internal.encode(x).mT.tensor_split((beads - 1, 2 * beads - 3))
        return lengths, turns, twists

    def _log_base(self, parts: Parts) -> Tensor:
        """Log-density of internal coordinates without the energy, shape (n,)."""
        lengths, turns, twists = parts
        found = self.bonds.hats.log_prob(self.length, lengths).sum(dim=0)
        found = found + self.turns.log_prob(self.turn, turns).sum(dim=0)
        return found if self.plane else found + self.twists.log_prob(self.twist, twists).sum(dim=0)

    def _table(self) -> Tensor:
        """The potentials, never negative, shape (kinds, CELLS).

        Each is the square of what the network says of a distance and of the longest there is, so
        that it ends at 0: in long chains most pairs are far apart, and none of them counts.
        """
        learned = self.potential.learned()[0]
        return (learned - learned.gather(1, self.far)).square() + self.potential.walls()[0]

    def _energy(self, x: Tensor, table: Tensor) -> Tensor:
        """Energies of conformations, shape (n,), in kT."""
        return self.pairs.energy(bonds_of(x) / self.bonds.mean, table)

    @torch.no_grad()
    def _ready(self) -> _Ready:
        """What drawing needs; made anew whenever the model has changed."""
        state = b"".join(x.cpu().numpy().tobytes() for x in self.state_dict().values())
        if self._kept is None or self._kept.state != state:
            twists = None if self.plane else self.twists.alias(self.twist)
            lengths, turns = self.bonds.hats.alias(self.length), self.turns.alias(self.turn)
            unit = float(self.bonds.mean)
            self._kept = _Ready(state, Proposals(lengths, turns, twists, unit, self._table()))
        return self._kept

    def _log_z(self) -> float:
        """Logarithm of the share of chains that is kept, from random numbers of its own."""
        ready = self._ready()
        if ready.log_z is None:
            ready.log_z = self._estimate_log_z(ready.proposals)
        return ready.log_z

    @torch.no_grad()
    def _estimate_log_z(self, proposals: Proposals) -> float:
        generator = torch.Generator(self.device).manual_seed(0)
        shares: list[float] = []
        kept = 0
        while len(shares) * LARGEST < MOST:
            parts, log_share = self.chain.grow(LARGEST, proposals, generator)
            shares.append(math.exp(log_share))
            kept += parts[0].shape[1]
            if len(shares) >= 20:
                self.refuse_if_few(kept, len(shares) * LARGEST)
                mean, squares = sum(shares) / len(shares), sum(s * s for s in shares) / len(shares)
                if squares / mean**2 - 1 < len(shares) * SURE**2:
                    break
        return math.log(sum(shares) / len(shares))

    def refuse_if_few(self, kept: int, proposed: int) -> None:
        """See that at least one proposal in 10,000 is kept."""
        if kept * 10_000 < proposed:
            raise PluginError(
                f"ebm keeps {kept} of {proposed:,} proposed chains of {self.shape[0]} beads: "
                "nearly all overlap. Take shorter chains, or a model that grows them: grow."
            )


@dataclass
class _Ready:
    """What has been made of weights.

    Args:
        state: The weights.
        proposals: Where draws come from.
        log_z: Logarithm of the normalising constant, once somebody has asked for it.
    """

    state: bytes
    proposals: Proposals
    log_z: float | None = None
