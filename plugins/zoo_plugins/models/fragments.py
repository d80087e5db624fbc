"""Chains of two halves that were drawn beforehand: a library, and rejection."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import UsageError
from zoo.polymer import rotate, turn_at_random
from zoo.polymer.rejection import first_accepted
from zoo_plugins.models.ebm import EBM
from zoo_plugins.models.pieces import Parts, Piece, Proposals
from zoo_plugins.models.potential import CELL, CELLS, look_up, separations

SHORTEST = 5
"""Beads of the shortest chain: two bonds before the joint, and two after it."""

APART = 11
"""Beads with more bonds between them than this are told apart no further."""

AT_ONCE = 4_096
"""Halves that are proposed at once for the library."""


class Fragments(zoo.OneShot):
    """Half chains from a library, kept or not by the energy that the two have in common.

    `ebm` spends most of its time on pieces that it does not keep. Here that is done once, after
    training: of all first and all second halves a library is drawn. A chain is one of either, by
    chance, which meet in a bead; it is kept with probability exp(−E), E being the energy of the
    pairs across. That takes three random numbers, and three chains of four are kept. Halves
    repeat; chains hardly do, there being as many as pairs of halves.

    What is drawn has the error of as many independent draws as there are halves, however often
    one draws. It has no density.

    Args:
        shape: `(beads, dim)`.
        halves: How many of either kind the library has.

    Raises:
        zoo.errors.PluginError: After training, if fewer than one pair of halves in 10,000 is kept.
        zoo.errors.UsageError: If the chain has fewer than 5 beads, or the library no halves.

    Reference:
        Alexandrowicz (1969), doi:10.1063/1.1671837, for halves that are joined; Simons,
        Kooperberg, Huang & Baker (1997), doi:10.1006/jmbi.1997.0959, for libraries.

    Example:
        >>> model = Fragments((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        397377
    """

    recipe = EBM.recipe
    rows: Tensor
    from_start: Tensor
    to_end: Tensor
    table: Tensor
    scale: Tensor
    share: Tensor

    def __init__(self, shape: tuple[int, int], *, halves: int = 16_384) -> None:
        super().__init__()
        beads, dim = shape
        if beads < SHORTEST or halves < 1:
            raise UsageError(
                f"fragments[halves={halves}] of {beads} beads: expected at least one half, and "
                f"{SHORTEST} beads."
            )
        self.shape = shape
        self.teacher = EBM(shape, apart=APART)
        self.halves = halves
        self.joint = joint = beads // 2
        sizes = joint + 1, beads - joint - 1
        self.starts, self.ends = (
            nn.Parameter(torch.zeros(halves, size, dim), requires_grad=False) for size in sizes
        )
        first, second = torch.cartesian_prod(torch.arange(joint), torch.arange(sizes[1])).T
        kinds = len(separations(beads, APART))
        rows = (joint - 1 + second - first).clamp(max=kinds - 1)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("from_start", -picking(first, sizes[0], dim), persistent=False)
        self.register_buffer("to_end", picking(second, sizes[1], dim), persistent=False)
        self.register_buffer("table", torch.zeros(kinds, CELLS))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("share", torch.ones(()))

    def fit(self, x: Tensor) -> None:
        """Fit the energy-based model."""
        self.teacher.fit(x)

    def loss(self, x: Tensor) -> Tensor:
        """That of the energy-based model."""
        return self.teacher.loss(x)

    def finish(self, x: Tensor) -> None:
        """Draw the library."""
        proposals = self.teacher.proposals()
        self.table[:] = proposals.table
        self.scale.fill_(1 / (proposals.unit * math.sqrt(CELL)))
        x = at_joint(self._joined(proposals), self.joint)
        self.starts[:], self.ends[:] = x.tensor_split((self.joint + 1,), dim=1)
        self.share = self._probability(self.starts, self.ends).mean()
        chains = self.halves**2
        self.teacher.refuse_if_few(math.ceil(float(self.share) * chains), chains)

    def draw(self, n: int) -> Tensor:
        """Take two halves, keep them or not, and turn what is kept at random."""
        return turn_at_random(first_accepted(n, self._kept, share=float(self.share)))

    def _kept(self, count: int) -> Tensor:
        """Those of so many pairs of halves that are kept, as chains."""
        first, second = torch.randint(self.halves, (2, count), device=self.device)
        starts, ends = self.starts.index_select(0, first), self.ends.index_select(0, second)
        probability = self._probability(starts, ends)
        kept = (torch.rand_like(probability) < probability).nonzero()[:, 0]
        return torch.cat([starts.index_select(0, kept), ends.index_select(0, kept)], dim=1)

    def _probability(self, starts: Tensor, ends: Tensor) -> Tensor:
        """With which two halves are kept, shape (n,)."""
        apart = starts.flatten(1) @ (self.scale * self.from_start)
        apart.addmm_(ends.flatten(1), self.scale * self.to_end)
        one, *others = apart.square_().view(len(apart), -1, len(self.rows)).unbind(dim=1)
        squared = sum(others, one)
        return torch.exp(-look_up(self.table, self.rows, squared).sum(dim=1))

    def _joined(self, proposals: Proposals) -> Tensor:
        """Chains (halves, beads, dim) of two halves, whatever these have against one another."""
        beads, dim = self.shape
        halves = [
            self._library(Piece((count, dim), APART).to(self.device), proposals)
            for count in (self.joint + 1, beads - self.joint)
        ]
        between = proposals.propose((0, 1, 2), self.halves, None)
        start, end = halves
        lengths, turns, twists = (torch.cat(part) for part in zip(start, between, end, strict=True))
        return self.teacher.chain.decode((lengths, turns, twists))

    def _library(self, piece: Piece, proposals: Proposals) -> Parts:
        """So many pieces as the library has halves."""
        found: list[Parts] = []
        have = 0
        while have < self.halves:
            found.append(piece.grow(AT_ONCE, proposals)[0])
            have += found[-1][0].shape[1]
            if len(found) >= 20:
                self.teacher.refuse_if_few(have, len(found) * AT_ONCE)
        lengths, turns, twists = (
            torch.cat(part, dim=1)[:, : self.halves] for part in zip(*found, strict=True)
        )
        return lengths, turns, twists


def picking(beads: Tensor, count: int, dim: int) -> Tensor:
    """The matrix that picks beads of a chain: (count · dim) numbers in, component by component out.

    Args:
        beads: Which ones, shape (n,).
        count: Beads of the chain.
        dim: Components of each.

    Returns:
        Shape (count · dim, dim · n).

    Example:
        >>> chain = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
        >>> chain.flatten(1) @ picking(torch.tensor([1, 0, 1]), 2, 2)
        tensor([[3., 1., 3., 4., 2., 4.]])
    """
    one = torch.eye(count)[:, beads]
    return torch.einsum("bn,de->bedn", one, torch.eye(dim)).reshape(count * dim, -1)


def at_joint(x: Tensor, joint: int) -> Tensor:
    """Shift and turn chains so that they have a bead and the bond to it in the same place.

    The bead is put into the origin, the bond along the first axis, and in three dimensions the
    bond before it into the half-plane of the first two axes.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.
        joint: Number of the bead, at least 2.

    Returns:
        Conformations, of the same shape.

    Example:
        >>> corner = torch.tensor([[[0.0, 0.0], [0.0, 1.0], [0.0, 3.0], [1.0, 3.0]]])
        >>> at_joint(corner, 2).round().abs()
        tensor([[[3., 0.],
                 [2., 0.],
                 [0., 0.],
                 [0., 1.]]])
    """
    x = x - x[:, joint : joint + 1]
    along = nn.functional.normalize(-x[:, joint - 1], dim=-1)
    if x.shape[-1] == 2:
        axes = [along, torch.stack([-along[:, 1], along[:, 0]], dim=-1)]
    else:
        before = x[:, joint - 1] - x[:, joint - 2]
        before = before - (before * along).sum(dim=-1, keepdim=True) * along
        aside = nn.functional.normalize(before, dim=-1)
        axes = [along, aside, torch.linalg.cross(along, aside)]
    return rotate(x, torch.stack(axes, dim=1))
