"""Forces between pairs of beads, for networks that say how a noisy chain should move."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo.polymer.coordinates import Bonds, Internal
from zoo.polymer.representations import Standardized
from zoo_plugins.models.networks import ChainNetwork

ALIKE = 11
"""Bonds between two beads from which on it does not matter how many there are."""

REACH = 3.0
"""Distance in σ from which on there is no force."""

LEAST, MOST = 0.01, 10.0
"""Ratios of noise to data between which forces are told apart."""

MOST_LEVEL = math.atan(MOST) * 2 / math.pi

SHORT = 1e-6
"""Length in σ below which a bond has no direction."""

RATE = 0.3
"""Size of a step of a table beside one of the network's weights."""


class ForceTable(nn.Module):
    """Forces as tables over distance and noise, one for each number of bonds between two beads.

    Between their knots tables are linear. What is learned are the steps from knot to knot, which
    are summed from the far end, where there is no force, to the near one. So where no beads were
    seen, below the least distance in the data, the force is what it is at that distance.

    Args:
        kinds: Number of tables.
        levels: Knots of the logarithm of noise to data.
        knots: Knots of the distance.
    """

    def __init__(self, kinds: int, *, levels: int = 24, knots: int = 128) -> None:
        super().__init__()
        self.levels, self.knots = levels, knots
        self.steps = nn.Parameter(torch.zeros(kinds, levels, knots - 1))

    def forward(self, kind: Tensor, distances: Tensor, level: Tensor) -> Tensor:
        """Strengths of forces, shape (n, pairs); a score, which has them negative, pulls by them.

        Args:
            kind: Numbers of the tables, shape (pairs,).
            distances: In σ, shape (n, pairs).
            level: (2/π) arctan(noise / data), shape (n,).
        """
        ratio = torch.tan(level.clamp(max=MOST_LEVEL) * (math.pi / 2)).clamp(min=LEAST)
        row, above = _between((ratio / LEAST).log() / math.log(MOST / LEAST), self.levels)
        place, beyond = _between(distances / REACH, self.knots)
        start = (kind * self.levels + row[:, None]) * self.knots + place
        table = nn.functional.pad(RATE * _from_here_on(self.steps), (0, 1)).flatten()
        low, high = (
            torch.lerp(_at(table, knot), _at(table, knot + 1), beyond)
            for knot in (start, start + self.knots)
        )
        return torch.lerp(low, high, above[:, None])


def _between(share: Tensor, knots: int) -> tuple[Tensor, Tensor]:
    """The knot below a share of the way over all of them, and how far beyond it that is."""
    position = share.clamp(0, 1) * (knots - 1)
    below = position.long().clamp(0, knots - 2)  # also of what is not a number
    return below, position - below


class PairNetwork(nn.Module):
    """A perceptron over a noisy chain, and forces between its beads.

    That beads do not overlap concerns two of them at a time, wherever they are in the chain. A
    perceptron has to find it out for each pair; a table of forces is shared by all that are as
    many bonds apart. How forces on beads act on the coordinates is known.

    Args:
        coordinates: What the state stands for; see `carries`.
        width: Units of a hidden layer.
        depth: Hidden layers.
    """

    kind: Tensor

    def __init__(self, coordinates: Standardized, *, width: int, depth: int) -> None:
        super().__init__()
        self.coordinates = coordinates
        self.perceptron = ChainNetwork(coordinates, width=width, depth=depth)
        beads, _ = coordinates.shape
        first, second = torch.triu_indices(beads, beads, 2)
        kind = (second - first).clamp(max=ALIKE) - 2
        self.register_buffer("kind", kind, persistent=False)
        self.forces = ForceTable(max(1, min(beads - 2, ALIKE - 1)))

    def forward(self, z: Tensor, level: Tensor) -> Tensor:
        """Map states (n, size) at levels of noise (n,) or () to (n, size)."""
        x = self.coordinates.decode(z)
        apart, distances = self.perceptron.pairs(x)
        pull = self.forces(self.kind, distances, level.reshape(-1)) / distances
        on_beads = (apart * pull[:, None]) @ self.perceptron.differences.mT
        said = self.perceptron.said(z, level, distances)
        return said + carried(self.coordinates, z, x, on_beads)


def carries(coordinates: Standardized) -> bool:
    """Whether `carried` knows these coordinates."""
    inner = coordinates.inner
    return isinstance(inner, Bonds) or (isinstance(inner, Internal) and inner.shape[1] == 2)


def carried(coordinates: Standardized, z: Tensor, x: Tensor, forces: Tensor) -> Tensor:
    """Forces on beads as forces on coordinates: the transpose of the Jacobian of `decode`.

    Args:
        coordinates: Bond vectors, or internal coordinates in two dimensions.
        z: States, shape (n, size).
        x: The chains that they were decoded to, shape (n, beads, dim).
        forces: On each bead, of no sum, shape (n, dim, beads).

    Returns:
        Shape (n, size).
    """
    on_bonds = _from_here_on(forces[..., 1:])  # a bond moves all beads beyond it
    if isinstance(coordinates.inner, Bonds):
        found = on_bonds.mT.flatten(1)
    else:
        bonds = x.diff(dim=1).mT
        lengths = (z * coordinates.std + coordinates.mean)[:, : bonds.shape[2]]
        lengths = torch.where(lengths.abs() < SHORT, SHORT, lengths)  # below 0 where noise is large
        along = (bonds * on_bonds).sum(dim=1) / lengths
        torque = bonds[:, 0] * on_bonds[:, 1] - bonds[:, 1] * on_bonds[:, 0]
        found = torch.cat([along, _from_here_on(torque[:, 1:])], dim=1)  # an angle turns the rest
    return found * coordinates.std


def _at(table: Tensor, places: Tensor) -> Tensor:
    """Numbers at places; by an index its gradient would differ from run to run."""
    return table.index_select(0, places.flatten()).view_as(places)


def _from_here_on(values: Tensor) -> Tensor:
    """Sums from each place along the last dimension to its end."""
    return values.flip(-1).cumsum(-1).flip(-1)
