"""Can drawn conformations be told from true ones at all? Tests of two samples. NaN in, NaN out.

All look at `features.invariants`, which say everything about a conformation but its place,
direction, handedness and bead order, and at the first conformations of either set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

import zoo
from zoo.polymer import pair_distances
from zoo_plugins.metrics.distances import wasserstein1
from zoo_plugins.metrics.features import (
    equally_many,
    invariants,
    squared_distances,
    standardize,
    symmetrize,
)


@dataclass(frozen=True)
class C2ST(zoo.Metric):
    """Accuracy of a classifier that learned to tell drawn from test conformations.

    1/2 where it must guess. It is fitted to half of either set, and judged by the other half. It
    sees pair distances r and, since excluded volume shows in the shortest, r⁻⁶ as well. It is a
    network with one hidden layer of fixed random weights, whose output layer is fitted by ridge
    regression: that has one solution, and no training that may fail.

    Args:
        most: Drawn and test conformations looked at, at most.
        width: Hidden units.
        ridge: Strength of the penalty on the output layer, per conformation.

    Reference:
        Lopez-Paz & Oquab, Revisiting classifier two-sample tests (2017), arXiv:1610.06545;
        Rahimi & Recht, Weighted sums of random kitchen sinks (2008) (the classifier).
    """

    most: int = 3_000
    width: int = 256
    ridge: float = 0.1

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Fraction of held-out conformations whose origin is told."""
        fake, real = equally_many(drawn.conformations, data.test, self.most)
        if fake.isnan().any():
            return math.nan
        fake, real = self._hidden(*standardize(_near_and_far(fake), _near_and_far(real), cut=5.0))
        half = len(fake) // 2
        seen, wanted = torch.cat([fake[:half], real[:half]]), torch.ones(2 * half)
        wanted[half:] = -1.0
        normal = seen.mT @ seen
        normal.diagonal().add_(self.ridge * len(seen))
        output = torch.linalg.solve(normal, seen.mT @ wanted.to(seen))
        right = torch.cat([fake[half:] @ output > 0, real[half:] @ output <= 0])
        return float(right.double().mean())

    def _hidden(self, *sets: Tensor) -> list[Tensor]:
        """Features, hidden units and a constant, for conformations of each set."""
        generator, size = Generator().manual_seed(0), sets[0].shape[1]
        weights = (torch.randn(size, self.width, generator=generator) / size**0.5).to(sets[0])
        shifts = torch.randn(self.width, generator=generator).to(sets[0])
        return [
            torch.cat([x, torch.relu(x @ weights + shifts), x.new_ones(len(x), 1)], dim=1)
            for x in sets
        ]


@dataclass(frozen=True)
class SlicedW1(zoo.Metric):
    """Wasserstein-1 distance along a random direction, averaged over fixed directions.

    The directions lie in the space of invariants in standard deviations of the test's: like
    `rg_w1`, but for many observables, none of which anybody chose.

    Args:
        most: Drawn and test conformations looked at, at most.
        directions: Number of directions.

    Reference:
        Bonneel, Rabin, Peyré & Pfister, J. Math. Imaging Vis. 51 (2015), 22,
        doi:10.1007/s10851-014-0506-3.

    Example:
        >>> x = torch.arange(96.0).view(4, 12, 2) ** 2
        >>> SlicedW1().compute(zoo.Drawn(x), zoo.Data(train=x, test=x.flip(1)))
        0.0
    """

    most: int = 4_000
    directions: int = 40

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Mean distance in test standard deviations."""
        fake, real = equally_many(drawn.conformations, data.test, self.most)
        fake, real = standardize(invariants(fake), invariants(real))
        generator = Generator().manual_seed(0)
        ways = torch.randn(self.directions, fake.shape[1], generator=generator).to(fake)
        ways = torch.nn.functional.normalize(ways, dim=1).mT
        gaps = [
            wasserstein1(*pair) for pair in zip((fake @ ways).mT, (real @ ways).mT, strict=True)
        ]
        return math.fsum(gaps) / len(gaps)


@dataclass(frozen=True)
class MMD(zoo.Metric):
    """Maximum mean discrepancy: the largest difference of the means of any smooth observable.

    Smooth is what has norm 1 in the space of a Gaussian kernel whose width is the median
    distance between test conformations. The root of the biased estimate of MMD² is taken: it
    ranks models as the unbiased one does, from which it differs by nearly a constant, but is
    never negative, and has a floor that others can be divided by.

    Args:
        most: Drawn and test conformations looked at, at most.
        median_of: Test conformations among which the median distance is taken, at most.

    Reference:
        Gretton, Borgwardt, Rasch, Schölkopf & Smola, J. Mach. Learn. Res. 13 (2012), 723.
    """

    most: int = 1_000
    median_of: int = 300

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Discrepancy between 0 and √2."""
        fake, real = equally_many(drawn.conformations, data.test, self.most)
        fake, real = standardize(invariants(fake), invariants(real), cut=5.0)
        some = torch.pdist(real[: self.median_of])
        scale = math.sqrt(2) * some.median().clamp(min=1e-6)
        fake, real = fake / scale, real / scale
        alike = _mean_kernel(fake, fake) + _mean_kernel(real, real)
        return float((alike - 2 * _mean_kernel(fake, real)).clamp(min=0).sqrt())


def _mean_kernel(a: Tensor, b: Tensor) -> Tensor:
    """Mean of exp(−|u − v|²) over all rows u of one set and v of the other."""
    return squared_distances(a, b).neg_().exp_().mean()


def _near_and_far(x: Tensor) -> Tensor:
    """Invariants of r, and of r⁻⁶ as far as a model can be caught by it: to 0.6 σ."""
    distances = pair_distances(x)
    near = distances.clamp(min=0.6).square().reciprocal().pow(3)
    return torch.cat([symmetrize(r, x.shape[1]) for r in (distances, near)], dim=1)
