"""How far the distribution of one observable is from the truth's.

Each metric here compares one number per conformation (or per bond, angle) with that of the test
conformations. All are zero for a perfect model with unlimited samples. NaN in, NaN out.
"""

from __future__ import annotations

from dataclasses import dataclass

import zoo
from zoo.polymer import (
    bond_lengths,
    closest_contact,
    end_to_end,
    radius_of_gyration,
    turning_angles,
)
from zoo_plugins.metrics.distances import kolmogorov_smirnov, wasserstein1


@dataclass(frozen=True)
class RgW1(zoo.Metric):
    """Wasserstein-1 distance of the radii of gyration, in standard deviations of the test's.

    Example:
        >>> import torch
        >>> x = torch.arange(48.0).view(2, 12, 2) ** 2
        >>> RgW1().compute(zoo.Drawn(x), zoo.Data(train=x, test=x))
        0.0
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Distance in test standard deviations."""
        test = radius_of_gyration(data.test)
        return float(wasserstein1(radius_of_gyration(drawn.conformations), test) / test.std())


@dataclass(frozen=True)
class RgKS(zoo.Metric):
    """Kolmogorov-Smirnov statistic of the radii of gyration: needs no scale, bounded by 1."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Largest difference between the two distribution functions."""
        radii = radius_of_gyration(drawn.conformations)
        return kolmogorov_smirnov(radii, radius_of_gyration(data.test))


@dataclass(frozen=True)
class EndToEndW1(zoo.Metric):
    """Wasserstein-1 distance of the end-to-end distances, in standard deviations of the test's."""

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Distance in test standard deviations."""
        test = end_to_end(data.test)
        return float(wasserstein1(end_to_end(drawn.conformations), test) / test.std())


@dataclass(frozen=True)
class BondW1(zoo.Metric):
    """Wasserstein-1 distance of the bond lengths, all bonds pooled.

    It says nothing about the shape of the chain: right bonds in wrong chains score zero.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Distance in σ."""
        return wasserstein1(bond_lengths(drawn.conformations), bond_lengths(data.test))


@dataclass(frozen=True)
class AngleW1(zoo.Metric):
    """Wasserstein-1 distance of the turning angles, all angles pooled; signed in the plane.

    A model that always turns the same way differs from the truth, which turns both ways.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Distance in rad, along the line from −π to π."""
        return wasserstein1(turning_angles(drawn.conformations), turning_angles(data.test))


@dataclass(frozen=True)
class ContactW1(zoo.Metric):
    """Wasserstein-1 distance of the closest distances between beads that are not bonded.

    The strictest of these: excluded volume concerns all pairs of beads at once.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Distance in σ."""
        return wasserstein1(closest_contact(drawn.conformations), closest_contact(data.test))
