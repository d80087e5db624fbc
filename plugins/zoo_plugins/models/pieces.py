"""Chains drawn exactly from pair potentials: pieces are kept or not, then joined to longer ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from zoo.generative.hats import Alias
from zoo.polymer.coordinates import Internal, chain_of
from zoo_plugins.models.potential import Pairs, bonds_of

PIECE = 7
"""Beads of a piece that is proposed at once, at most; a longer one is made of two."""

Parts = tuple[Tensor, Tensor, Tensor]
"""Lengths, turns and twists of n chains, each of shape (count, n); in the plane no twists."""


@dataclass(frozen=True)
class Proposals:
    """Densities of single coordinates, and the energy by which what they propose is kept.

    Args:
        lengths: Of bonds, in σ.
        turns: Of turning angles.
        twists: Of dihedral angles; `None` in the plane.
        unit: Mean length of a bond, in σ.
        table: Potentials that are never negative, shape (kinds, CELLS), in kT.
    """

    lengths: Alias
    turns: Alias
    twists: Alias | None
    unit: float
    table: Tensor

    def propose(self, counts: tuple[int, int, int], n: int, generator: Generator | None) -> Parts:
        """Lengths, turns and twists, so many of each, without regard to the energy."""
        lengths = self.lengths.draw((counts[0], n), generator)
        turns = self.turns.draw((counts[1], n), generator)
        if self.twists is None:
            return lengths, turns, lengths.new_zeros(0, n)
        return lengths, turns, self.twists.draw((counts[2], n), generator)


class Piece(nn.Module):
    """A chain, or a piece of one, that is proposed at once or made of two pieces.

    Args:
        shape: `(beads, dim)`.
        apart: Beads with more bonds between them than this are told apart no further.

    Reference:
        Alexandrowicz (1969), doi:10.1063/1.1671837.
    """

    headings: Tensor

    def __init__(self, shape: tuple[int, int], apart: int) -> None:
        super().__init__()
        beads, dim = shape
        self.beads = beads
        self.plane = dim == 2
        self.internal = Internal(shape)
        half = beads // 2 if beads > PIECE else 0
        self.pairs = Pairs(beads, most=apart, across=half)  # those within a half are settled
        self.first = Piece((half, dim), apart) if half else None
        self.second = Piece((beads - half, dim), apart) if half and 2 * half < beads else None
        headings = torch.ones(beads - 1, beads - 2).tril(-1)
        self.register_buffer("headings", headings, persistent=False)

    def grow(
        self, n: int, proposals: Proposals, generator: Generator | None = None
    ) -> tuple[Parts, Tensor]:
        """Independent chains.

        Args:
            n: Pieces that are proposed for each place in the chain.
            proposals: Where they come from.
            generator: Source of randomness; torch's global random state if `None`.

        Returns:
            The chains that are kept, and an estimate of the logarithm of ∫ base exp(−E).
        """
        if self.first is None:
            counts = self.beads - 1, self.beads - 2, self.beads - 3
            parts = proposals.propose(counts, n, generator)
            log_share = proposals.table.new_zeros(())
        else:
            parts, log_share = self._join(self.first, n, proposals, generator)
        energy = self.pairs.energy(self._bonds(parts, proposals.unit), proposals.table)
        probability = torch.exp(-energy)
        random = torch.empty_like(probability).uniform_(generator=generator)
        kept = (random < probability).nonzero()[:, 0]
        lengths, turns, twists = (part.index_select(1, kept) for part in parts)
        return (lengths, turns, twists), log_share + probability.mean().log()

    def decode(self, parts: Parts) -> Tensor:
        """Conformations, shape (n, beads, dim), in σ, all turned the same way."""
        return chain_of(self._bonds(parts, 1.0).permute(2, 1, 0))

    def _join(
        self, first: Piece, n: int, proposals: Proposals, generator: Generator | None
    ) -> tuple[Parts, Tensor]:
        """Chains of two pieces, whatever these have against one another."""
        if self.second is None:  # two of a kind
            starts, log_share = first.grow(2 * n, proposals, generator)
            ends, log_share, many = starts, 2 * log_share, starts[0].shape[1] // 2
        else:
            starts, log_share = first.grow(n, proposals, generator)
            ends, other = self.second.grow(n, proposals, generator)
            many, log_share = min(starts[0].shape[1], ends[0].shape[1]), log_share + other
        between = proposals.propose((1, 2, 3), many, generator)
        lengths, turns, twists = (
            torch.cat([start[:, :many], new, end[:, end.shape[1] - many :]])
            for start, new, end in zip(starts, between, ends, strict=True)
        )
        return (lengths, turns, twists), log_share

    def _bonds(self, parts: Parts, unit: float) -> Tensor:
        """Bond vectors, shape (dim, beads − 1, n), in bond lengths."""
        if self.plane:
            heading = self.headings @ parts[1]
            return torch.stack([heading.cos(), heading.sin()]) * (parts[0] / unit)
        return bonds_of(self.internal.decode(torch.cat(parts).mT)) / unit
