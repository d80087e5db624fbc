"""The structure that polymer physics measures, as averages over all drawn conformations.

A perfect model with unlimited samples has the truth's averages: all are zero. None feels shifts,
rotations, reflections or the order of the beads. NaN in, NaN out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.polymer import pair_distances
from zoo_plugins.metrics.features import mirrored_pairs


@dataclass(frozen=True)
class ContactMap(zoo.Metric):
    """Root-mean-square difference of the chances that two beads touch, over all pairs.

    Neighbours along the chain always touch and are left out. Either order of the beads being as
    likely, each pair is averaged with its mirror image.

    Args:
        cutoff: Distance below which two beads touch, in σ.

    Example:
        >>> rod = torch.stack([torch.arange(3.0), torch.zeros(3)], dim=-1)[None]
        >>> data = zoo.Data(train=rod, test=rod)
        >>> ContactMap().compute(zoo.Drawn(torch.cat([rod, 0.5 * rod])), data)
        0.5
    """

    cutoff: float = 1.5

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Difference between 0 and 1."""
        gaps = contact_map(drawn.conformations, self.cutoff) - contact_map(data.test, self.cutoff)
        return float(gaps.square().mean().sqrt())


@dataclass(frozen=True)
class FormFactor(zoo.Metric):
    """Root-mean-square difference of ln P(q), the scattering of single chains.

    What a neutron or X-ray experiment would see of the difference, from the size of the whole
    chain (q Rg < 1) to that of single beads, with wave numbers spaced evenly in ln q.

    Args:
        lowest: Smallest wave number, in 1/σ.
        highest: Largest wave number, in 1/σ.
        count: How many.
    """

    lowest: float = 0.1
    highest: float = 10.0
    count: int = 40

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Difference of logarithms: for small ones, the relative difference."""
        q = torch.logspace(math.log10(self.lowest), math.log10(self.highest), self.count)
        ratio = form_factor(drawn.conformations, q) / form_factor(data.test, q)
        return float(ratio.log().square().mean().sqrt())


@dataclass(frozen=True)
class InternalScaling(zoo.Metric):
    """Root-mean-square difference of ln⟨R²(s)⟩ over separations s along the chain.

    From bonds (s = 1) to the whole chain (s = beads − 1): in ln R² all of them count alike. A
    chain that is too large by 1% at every scale scores 0.02.

    Reference:
        Rubinstein & Colby, Polymer Physics (2003), section 2.2.

    Example:
        >>> x = torch.arange(48.0).view(2, 12, 2)
        >>> data = zoo.Data(train=x, test=x)
        >>> round(InternalScaling().compute(zoo.Drawn(math.e * x), data), 3)
        2.0
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Difference of logarithms: for small ones, the relative difference."""
        ratio = internal_distances(drawn.conformations) / internal_distances(data.test)
        return float(ratio.log().square().mean().sqrt())


def contact_map(x: Tensor, cutoff: float) -> Tensor:
    """Chance that two beads touch, for all pairs that are not neighbours along the chain.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.
        cutoff: Distance below which two beads touch, in σ.

    Returns:
        Chances, in double precision, of the pairs (0, 2), (0, 3), …, (1, 3), …, each averaged
        with its mirror image; NaN if any coordinate is.

    Example:
        >>> rod = torch.stack([torch.arange(4.0), torch.zeros(4)], dim=-1)[None]
        >>> contact_map(rod, cutoff=2.5).tolist()
        [1.0, 0.0, 1.0]
    """
    beads = x.shape[1]
    touch = pair_distances(x) < cutoff
    # A comparison with NaN is false: a failed conformation would merely touch nothing.
    spoil = math.nan if x.isnan().any() else 0.0
    chance = touch.sum(dim=0).double() / len(x) + spoil
    chance = (chance + chance[mirrored_pairs(beads).to(x.device)]) / 2
    i, j = torch.triu_indices(beads, beads, offset=1, device=x.device)
    return chance[j - i >= 2]


def form_factor(x: Tensor, q: Tensor, *, step: float = 0.005, farthest: float = 1_000.0) -> Tensor:
    """Form factor P(q) = ⟨|Σ exp(i q·r)|²⟩ / beads², averaged over all directions of q.

    Averaged over directions, exp(i q·r) is J₀(qr) in the plane and sin(qr)/(qr) in space, so
    only the histogram of all pair distances is needed. Its step moves P(q) by less than
    (q·step)²/24, relatively: 10⁻⁴ at q = 10.

    Args:
        x: Conformations, shape (n, beads, dim) with dim 2 or 3, in σ.
        q: Wave numbers, any shape, in 1/σ.
        step: Width of the histogram's bins, in σ.
        farthest: Distance at which all greater ones are counted, in σ.

    Returns:
        P(q), of the shape of `q`, without unit, in double precision; 1 where q = 0.

    Reference:
        Rubinstein & Colby, Polymer Physics (2003), section 2.8;
        Debye, Annalen der Physik 351 (1915), 809, doi:10.1002/andp.19153510606.

    Example:
        >>> dimer = torch.tensor([[[0.0, 0.0, 0.0], [torch.pi, 0.0, 0.0]]])
        >>> form_factor(dimer, torch.tensor([0.0, 1.0])).round(decimals=3).tolist()
        [1.0, 0.5]
    """
    distances, beads = pair_distances(x), x.shape[1]
    if distances.isnan().any():
        return torch.full_like(q, math.nan, dtype=torch.double)
    bins = (distances.clamp(max=farthest) / step).round_().int().flatten()
    counts = torch.bincount(bins)
    occupied = counts.nonzero().squeeze(1)
    phase = q.double()[..., None] * (occupied * step)
    wave = torch.special.bessel_j0(phase) if x.shape[2] == 2 else torch.sinc(phase / torch.pi)
    shares = counts[occupied].double() / len(x)
    return (beads + 2 * (wave * shares).sum(dim=-1)) / beads**2


def internal_distances(x: Tensor) -> Tensor:
    """Mean-square distances ⟨R²(s)⟩ of beads s bonds apart.

    Args:
        x: Conformations, shape (n, beads, dim), in σ.

    Returns:
        Means over conformations and places along the chain for s = 1, 2, …, beads − 1, shape
        (beads − 1,), in σ², in double precision.

    Example:
        >>> rod = torch.stack([torch.arange(4.0), torch.zeros(4)], dim=-1)[None]
        >>> internal_distances(rod).tolist()
        [1.0, 4.0, 9.0]
    """
    squares = [
        (x[:, apart:] - x[:, :-apart]).square().sum(dim=-1).mean(dtype=torch.double)
        for apart in range(1, x.shape[1])
    ]
    return torch.stack(squares)
