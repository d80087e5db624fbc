"""A chain that grows bead by bead, each one placed with regard to all before it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

import zoo
from zoo.generative import MLP, Hats
from zoo.polymer import augment, bond_lengths, bond_vectors, center, turn_at_random
from zoo.polymer.coordinates import Internal
from zoo_plugins.models.bonds import KNOTS, BondGrid
from zoo_plugins.models.potential import CELL, PairPotentials, look_up

TURN, LENGTH, TWIST = 0, 1, 2
"""Channels of the potential: what is drawn by it."""

STEPS = 12
"""Beads of a batch of chains that one training step looks at, at most."""

APART = 11
"""Beads with more bonds between them than this are told apart no further."""

AHEAD = 9
"""Nor is it told whether more beads than this are still to come, or have come before. Both are the
most that there is in chains of 12 beads: longer ones ask for nothing beyond."""

RING = Hats(-math.pi, math.pi, 8, circle=True)
"""Twists that the energy of a turn is averaged over in space."""

WAVES = 4
"""Waves of a direction that the correction is made of."""


class Site(NamedTuple):
    """The end of a growing chain, seen from its last bead along its last bond.

    Args:
        step: Which bead is to be placed: the third of the chain is 0.
        frame: Unit vectors of the view as rows, shape (n, dim, dim); the first is the bond.
        beads: All beads but the last one in this view, as (−2 b, |b|², 1) with b in bond lengths,
            over the width of a cell of the potential; shape (n, step + 1, dim + 2).
        tables: Tables of the potential.
        correction: What the network of the context says, shape (n, outputs).
    """

    step: int
    frame: Tensor
    beads: Tensor
    tables: Tensor
    correction: Tensor


class Grow(zoo.OneShot):
    """An autoregressive model: each bond is drawn given all beads before it, in the local frame.

    The log-density of where the next bead goes is a sum of three parts: one of its own, a
    learned potential to every bead before it, and a smooth correction by a network that sees the
    latest beads. A potential depends on the distance, on the bonds between the two beads, and on
    how many are still to come, since these need room as well. Direction and length of the bond
    are drawn one after the other, each density normalised on a grid: the whole is exact.
    The weights fit chains of any length; for longer ones than it has learned from, what a pair
    far from both ends has against one another is extrapolated.

    Args:
        shape: `(beads, dim)`.
        width: Units of a hidden layer of the potential.
        context: Units of a hidden layer of the correction.
        seen: Beads that the correction sees.
        knots: Knots of the density of an angle between bonds; `None` chooses by dimension.

    Reference:
        Siepmann & Frenkel (1992), doi:10.1080/00268979200100061, for chains grown by energies
        that are known; Uria et al. (2016), arXiv:1605.02226, for densities one by one.

    Example:
        >>> model = Grow((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        10928
    """

    recipe = zoo.Recipe(epochs=20, batch_size=256, learning_rate=3e-3)
    rows: Tensor

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        width: int = 48,
        context: int = 64,
        seen: int = 6,
        knots: int | None = None,
    ) -> None:
        super().__init__()
        beads, dim = shape
        self.shape = shape
        self.seen = seen
        self.internal = Internal(shape)
        self.plane = dim == 2
        low, count = (-math.pi, knots or 128) if self.plane else (0.0, knots or 40)
        self.turns = Hats(low, math.pi, count, circle=self.plane)
        self.twists = Hats(-math.pi, math.pi, 8 if self.plane else 64, circle=True)
        self.turn = nn.Parameter(torch.zeros(count))
        self.bonds = BondGrid()
        self.length = nn.Parameter(torch.zeros(2, KNOTS))  # the first bond's, the others'
        kinds, rows = _kinds(beads)
        self.register_buffer("rows", rows, persistent=False)
        self.potential = PairPotentials(kinds, channels=2 if self.plane else 3, width=width)
        self.context = MLP((dim + 1) * seen + 3, 2 + 3 * WAVES, width=context, depth=2).silent()

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Take the scale of bond lengths, and begin with normal lengths and even directions."""
        self.bonds.fit(bond_lengths(x))
        self.length[:] = self.bonds.normal(x)
        parts = [self._closest(part) for part in torch.split(x, 1000)]
        self.potential.closest[:] = torch.stack(parts).amin(dim=0)
        if not self.plane:
            self.turn[:] = self.turns.knots(x).sin().clamp(min=1e-3).log()

    def _closest(self, x: Tensor) -> Tensor:
        """For each channel how near to another bead the next one ever came, in bond lengths."""
        usual = x[:, :-1] + self.bonds.mean * nn.functional.normalize(bond_vectors(x), dim=-1)
        beads = x.shape[1]
        far = torch.ones(beads - 1, beads, dtype=torch.bool, device=x.device).tril(-1)
        exact = "donot_use_mm_for_euclid_dist"
        even, near = (
            torch.cdist(moved, x, compute_mode=exact)[:, far].min() / self.bonds.mean
            for moved in (usual, x[:, 1:])
        )
        return torch.stack([even, near, even])[: len(self.potential.closest)]

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood per coordinate, in nats; of long chains, of some beads."""
        steps = self.shape[0] - 2
        chosen = torch.randperm(steps)[:STEPS].tolist()
        return -self._log_prob(augment(x), chosen).mean() / self.internal.size

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        return self._log_prob(x, range(self.shape[0] - 2)) + self.internal.log_det(x)

    def _log_prob(self, x: Tensor, steps: Iterable[int]) -> Tensor:
        """Log-density of lengths and angles, as estimated from some of the beads."""
        tables, lengths = self.potential.tables(), self.bonds.hats
        first = lengths.log_prob(self.length[0], bond_lengths(x)[:, 0])
        parts = []
        for step in steps:
            site = self._look(x[:, : step + 2], tables)
            bond = (site.frame @ (x[:, step + 2] - x[:, step + 1])[..., None])[..., 0]
            r = torch.linalg.vector_norm(bond, dim=1)
            turn, twist = self._angles(bond)
            way = nn.functional.normalize(bond, dim=1)
            part = lengths.log_prob(self._length_logits(site, way), r)
            part = part + self.turns.log_prob(self._turn_logits(site), turn)
            if not self.plane and step > 0:
                part = part + self.twists.log_prob(self._twist_logits(site, turn), twist)
            parts.append(part)
        return first + torch.stack(parts).sum(dim=0) * ((self.shape[0] - 2) / len(parts))

    def draw(self, n: int) -> Tensor:
        """Place bead after bead; turn the chain at random in the end."""
        beads, dim = self.shape
        tables, lengths = self.potential.tables(), self.bonds.hats
        x = tables.new_zeros(n, beads, dim)
        x[:, 1, 0] = lengths.draw(self.length[0], (n,))
        for step in range(beads - 2):
            site = self._look(x[:, : step + 2], tables)
            turn = self.turns.draw(self._turn_logits(site))
            twist = self._draw_twist(site, turn)
            way = self._way(turn, twist)
            r = lengths.draw(self._length_logits(site, way))
            bond = r[:, None, None] * way[:, None] @ site.frame
            x[:, step + 2] = x[:, step + 1] + bond[:, 0]
        return turn_at_random(center(x))

    def _look(self, x: Tensor, tables: Tensor) -> Site:
        """The view from the end of chains of some beads, shape (n, beads so far, dim)."""
        step = x.shape[1] - 2
        frame = _frame(x)
        beads = (x[:, :-1] - x[:, -1:]) @ frame.mT / self.bonds.mean
        latest = beads[:, -self.seen :].flip(1)
        missing = self.seen - latest.shape[1]
        near = nn.functional.pad(
            torch.cat([latest / 3, torch.ones_like(latest[..., :1])], dim=-1), (0, 0, 0, missing)
        )
        left, done = min(self.shape[0] - 3 - step, AHEAD), min(step, AHEAD)
        place = x.new_tensor([1 / (1 + left), left / 10, done / 10]).expand(len(x), -1)
        correction = self.context(torch.cat([near.flatten(1), place], dim=1))
        square = beads.square().sum(dim=-1, keepdim=True)
        augmented = torch.cat([-2 * beads, square, torch.ones_like(square)], dim=-1) / CELL
        return Site(step, frame, augmented, tables, correction)

    def _turn_logits(self, site: Site) -> Tensor:
        """Of the angle to the next bond; in space averaged over how it is twisted."""
        turns = self.turns.knots(site.frame)
        if self.plane:
            energy = self._energy(site, TURN, self._way(turns, turns))
        else:
            ring = RING.knots(turns)
            ways = self._way(turns[:, None].expand(-1, len(ring)), ring.expand(len(turns), -1))
            energy = self._energy(site, TURN, ways.flatten(0, 1))
            energy = -torch.logsumexp(-energy.view(len(energy), len(turns), -1), dim=-1)
        number = torch.arange(1, WAVES + 1, device=turns.device)[:, None]
        waves = torch.cat([(number * turns).cos(), (number * turns).sin()])
        return self.turn - energy + site.correction[:, : 2 * WAVES] @ waves

    def _twist_logits(self, site: Site, turn: Tensor) -> Tensor:
        """Of how the next bond is twisted around the last one."""
        twists = self.twists.knots(site.frame)
        ways = self._way(turn[:, None].expand(-1, len(twists)), twists.expand(len(turn), -1))
        number = torch.arange(1, WAVES // 2 + 1, device=twists.device)[:, None]
        waves = torch.cat([(number * twists).cos(), (number * twists).sin()])
        energy = self._energy(site, TWIST, ways)
        return site.correction[:, 2 * WAVES : 3 * WAVES] @ waves - energy

    def _length_logits(self, site: Site, way: Tensor) -> Tensor:
        """Of the length of the next bond, whose direction in the view is known."""
        r = self.bonds.hats.knots(site.frame)
        points = (r / self.bonds.mean)[:, None] * way[:, None]
        energy = self._energy(site, LENGTH, points)
        score = self.bonds.standard(r)
        waves = torch.stack([score, score.square() / 10])
        return self.length[1] - energy + site.correction[:, 3 * WAVES :] @ waves

    def _energy(self, site: Site, channel: int, points: Tensor) -> Tensor:
        """What the beads have against a new one at points (n or none, k, dim): (n, k), in kT."""
        # Augmented by their squares, one product gives |b|² + |p|² − 2 b·p, in cells.
        near = nn.functional.pad(points, (0, 2), value=1.0)
        near[..., -1] = points.square().sum(dim=-1)
        rows = self.rows[site.step, : site.beads.shape[1], None]
        return look_up(site.tables[channel], rows, site.beads @ near.mT).sum(dim=1)

    def _draw_twist(self, site: Site, turn: Tensor) -> Tensor:
        """A twist for each turn; any, where the chain is too short to tell one from another."""
        if self.plane:
            return torch.zeros_like(turn)
        if site.step == 0:
            return (2 * torch.rand_like(turn) - 1) * math.pi
        return self.twists.draw(self._twist_logits(site, turn))

    def _way(self, turn: Tensor, twist: Tensor) -> Tensor:
        """Unit vectors in the view, with a last axis of their components."""
        if self.plane:
            return torch.stack([turn.cos(), turn.sin()], dim=-1)
        across = turn.sin()
        return torch.stack([turn.cos(), across * twist.cos(), across * twist.sin()], dim=-1)

    def _angles(self, bond: Tensor) -> tuple[Tensor, Tensor]:
        """Turn and twist of bonds (n, dim) in the view."""
        if self.plane:
            return torch.atan2(bond[:, 1], bond[:, 0]), torch.zeros_like(bond[:, 0])
        across = torch.linalg.vector_norm(bond[:, 1:], dim=1)
        return torch.atan2(across, bond[:, 0]), torch.atan2(bond[:, 2], bond[:, 1])


def _kinds(beads: int) -> tuple[Tensor, Tensor]:
    """What tells pairs apart, shape (kinds, 4), and the kind of each pair, shape (steps, steps).

    A pair is known by the bonds between its beads and by the beads that are still to come. The
    second result has a row for each step and a column for each bead before.
    """
    step, other = torch.arange(beads - 2)[:, None], torch.arange(beads - 2)
    apart = (step + 2 - other).clamp(2, APART)
    left = (beads - 3 - step).clamp(max=AHEAD).expand_as(apart)
    kinds, rows = torch.unique(
        torch.stack([apart, left], dim=-1).view(-1, 2), dim=0, return_inverse=True
    )
    a, b = kinds.float().unbind(1)
    features = torch.stack([1 / a, a / 10, 1 / (1 + b), b / 10], dim=1)
    return features, rows.view(beads - 2, beads - 2)


def _frame(x: Tensor) -> Tensor:
    """Unit vectors at the end of chains (n, beads, dim), as rows: the last bond comes first."""
    along = nn.functional.normalize(x[:, -1] - x[:, -2], dim=1)
    if x.shape[2] == 2:
        return torch.stack([along, torch.stack([-along[:, 1], along[:, 0]], dim=1)], dim=1)
    if x.shape[1] > 2:
        before = x[:, -2] - x[:, -3]
    else:  # any direction across will do
        before = nn.functional.one_hot(along.abs().argmin(dim=1), 3).to(along)
    second = before - (before * along).sum(dim=1, keepdim=True) * along
    second = nn.functional.normalize(second, dim=1)
    return torch.stack([along, second, torch.linalg.cross(along, second)], dim=1)
