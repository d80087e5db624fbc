"""Learned potentials between beads, kept as tables over the squared distance."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo.generative import MLP
from zoo.polymer import bond_vectors

NEAR, FAR = 0.3, 6.0
"""Distances, in bond lengths, between which a potential varies."""

KNOTS = 192
"""Distances at which the network is asked, evenly in their logarithm."""

BUMPS = 32
"""Bell curves over the logarithm of the distance that the network sees."""

CELLS = 4096
"""Cells of a table, even in the squared distance, so that looking up takes no root."""

CELL = FAR**2 / CELLS
"""Width of a cell, in squared bond lengths."""

WALL = 4.0
"""Strength of the wall, in kT."""

AT_ONCE = 1_000
"""Conformations whose pairs are looked at together."""


class PairPotentials(nn.Module):
    """Energies of pairs of beads at a distance, for pairs of several kinds.

    A small network gives the energy from the distance and from what tells the kinds apart; it is
    asked at some distances and becomes a table. Pairs closer than any that was seen meet a
    wall, WALL · ((closest / d)¹² − 1): of these the data say nothing but that there are none.

    Args:
        kinds: What tells the kinds of pairs apart, shape (kinds, features).
        channels: How many potentials each kind has.
        width: Units of a hidden layer.

    Example:
        >>> potentials = PairPotentials(torch.tensor([[0.5], [1.0]]), channels=1, width=8)
        >>> tables = potentials.tables()
        >>> tables.shape
        torch.Size([1, 2, 4096])
        >>> rows, squared = torch.tensor([0, 1, 1]), torch.tensor([[1.0, 4.0, 9.0]])
        >>> look_up(tables[0].detach(), rows, squared / CELL)  # nothing has been learned yet
        tensor([[0., 0., 0.]])
    """

    kinds: Tensor
    bumps: Tensor
    cells: Tensor
    below: Tensor
    share: Tensor
    closest: Tensor

    def __init__(self, kinds: Tensor, *, channels: int, width: int) -> None:
        super().__init__()
        logs = torch.linspace(math.log(NEAR), math.log(FAR), KNOTS)
        centers = torch.linspace(math.log(NEAR), math.log(FAR), BUMPS)
        cells = (torch.arange(CELLS) + 0.5) * CELL
        place = ((cells.log() / 2 - logs[0]) / (logs[1] - logs[0])).clamp(0, KNOTS - 1)
        below = place.long().clamp(max=KNOTS - 2)
        wide = centers[1] - centers[0]
        for name, tensor in {
            "kinds": kinds,
            "bumps": torch.exp(-((logs[:, None] - centers) / wide).square() / 2),
            "cells": cells,
            "below": below,
            "share": place - below,
        }.items():
            self.register_buffer(name, tensor, persistent=False)
        self.register_buffer("closest", torch.zeros(channels))
        self.network = MLP(kinds.shape[1] + BUMPS, channels, width=width, depth=2).silent()

    def tables(self) -> Tensor:
        """Energies of each channel, kind and cell, shape (channels, kinds, CELLS), in kT."""
        return self.learned() + self.walls()

    def learned(self) -> Tensor:
        """The part that the network gives, of the same shape."""
        kinds = self.kinds[:, None].expand(-1, KNOTS, -1)
        bumps = self.bumps.expand(len(kinds), -1, -1)
        found = self.network(torch.cat([kinds, bumps], dim=-1)).permute(2, 0, 1)
        # Not found[..., below], whose gradient adds up in any order where threads are several.
        before, after = (found.index_select(-1, self.below + one) for one in (0, 1))
        return torch.lerp(before, after, self.share)

    def walls(self) -> Tensor:
        """The walls, shape (channels, 1, CELLS)."""
        ratio = self.closest[:, None, None].square() / self.cells
        return WALL * (ratio**6 - 1).clamp(0, 1e4)


class Pairs(nn.Module):
    """Pairs of beads of a chain that are not bonded.

    Args:
        beads: Length of the chain.
        most: Pairs with more bonds between them are of the same kind.
        across: Only pairs of one of so many first beads with one of the others; 0 takes all.

    Example:
        >>> pairs = Pairs(3, most=9)
        >>> pairs.squared(torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]).permute(2, 1, 0))
        tensor([[5.]])
    """

    rows: Tensor
    between: Tensor

    def __init__(self, beads: int, *, most: int, across: int = 0) -> None:
        super().__init__()
        first, second = torch.triu_indices(beads, beads, 2)[:, :, None]
        if across:
            chosen = ((first < across) & (second >= across))[:, 0]
            first, second = first[chosen], second[chosen]
        bond = torch.arange(beads - 1)
        between = ((first <= bond) & (bond < second)).float()
        self.register_buffer("rows", (second - first).clamp(max=most) - 2, persistent=False)
        self.register_buffer("between", between, persistent=False)

    def squared(self, bonds: Tensor) -> Tensor:
        """Squared distances, shape (pairs, n), in chains of bond vectors (dim, beads − 1, n)."""
        return (self.between @ bonds).square_().sum(dim=0)

    def closest(self, x: Tensor) -> Tensor:
        """The least distance of a pair in conformations (n, beads, dim), shape (), in σ."""
        found = [self.squared(bonds_of(part)).min() for part in torch.split(x, AT_ONCE)]
        return torch.stack(found).min().sqrt()

    def energy(self, bonds: Tensor, table: Tensor) -> Tensor:
        """Energies, shape (n,), in kT.

        Args:
            bonds: Bond vectors, shape (dim, beads − 1, n), in bond lengths.
            table: Energies by kind and distance, shape (kinds, CELLS), in kT.
        """
        return look_up(table, self.rows, self.squared(bonds / math.sqrt(CELL))).sum(dim=0)


def look_up(table: Tensor, rows: Tensor, squared: Tensor) -> Tensor:
    """Energies of pairs.

    The tensors are large, and each pass over them counts: the distances are spent in place. What
    is looked up has a gradient in the table, and none in the distances.

    Args:
        table: One channel of `PairPotentials.tables`, shape (kinds, CELLS).
        rows: The kind of each pair; its shape goes with that of `squared`.
        squared: Squared distances, in units of `CELL`; what they hold is lost.

    Returns:
        Energies, in kT, of the shape of `squared`.
    """
    place = squared.clamp_(0, CELLS - 1).add_(CELLS * rows).int()
    return table.reshape(-1).index_select(0, place.view(-1)).view(place.shape)


def bonds_of(x: Tensor) -> Tensor:
    """Bond vectors of conformations (n, beads, dim), shape (dim, beads − 1, n)."""
    return bond_vectors(x).permute(2, 1, 0)


def separations(beads: int, most: int) -> Tensor:
    """Numbers of bonds between two beads that are not bonded, up to `most`, at least one of them.

    Example:
        >>> separations(5, 11), separations(5, 3), separations(2, 11)
        (tensor([2, 3, 4]), tensor([2, 3]), tensor([2]))
    """
    return torch.arange(2, max(min(beads - 1, most), 2) + 1)


def kinds_of(bonds: Tensor) -> Tensor:
    """What a potential is told of numbers of bonds between two beads, shape (n,), as (n, 2)."""
    return torch.stack([1 / bonds, bonds / 10], dim=1)
