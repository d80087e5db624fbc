"""Is what was drawn physically possible? Energies and overlaps. NaN in, NaN out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import zoo
from zoo.errors import UsageError
from zoo.polymer import closest_contact
from zoo_plugins.metrics.distances import wasserstein1


@dataclass(frozen=True)
class EnergyW1(zoo.Metric):
    """Wasserstein-1 distance of the energies, each cut at a ceiling.

    Overlapping beads cost astronomical energies, and without a ceiling the single worst
    conformation would decide. True chains have about 1 kT per bead; at 10 kT per bead every
    impossible conformation counts alike, and the score stays below the ceiling.

    Args:
        ceiling: Energy per bead at which energies are cut, in kT.

    Raises:
        zoo.errors.UsageError: If the dataset does not know its energy.
    """

    ceiling: float = 10.0

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Distance in kT."""
        if data.energy is None:
            raise UsageError(
                "the dataset has no energy; energy_w1 needs one. Choose a dataset that offers "
                "'energy', or leave the metric out."
            )
        highest = self.ceiling * data.test.shape[1]
        energies = data.energy(drawn.conformations).clamp(max=highest)
        return wasserstein1(energies, data.energy(data.test).clamp(max=highest))


@dataclass(frozen=True)
class ClashFraction(zoo.Metric):
    """Fraction of conformations in which two beads that are not bonded overlap.

    At the default cutoff a pair costs 44 kT: among a million true chains none has one.

    Args:
        cutoff: Distance below which two beads overlap, in σ.

    Example:
        >>> import torch
        >>> rod = torch.stack([torch.arange(4.0), torch.zeros(4)], dim=-1)[None]
        >>> x = torch.cat([rod, 0.3 * rod])
        >>> ClashFraction().compute(zoo.Drawn(x), zoo.Data(train=rod, test=rod))
        0.5
    """

    cutoff: float = 0.8

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:  # noqa: ARG002 - needs no truth
        """Fraction between 0 and 1."""
        contact = closest_contact(drawn.conformations)
        # A comparison with NaN is false: without this a failed conformation would pass.
        if contact.isnan().any():
            return math.nan
        return float((contact < self.cutoff).double().mean())
