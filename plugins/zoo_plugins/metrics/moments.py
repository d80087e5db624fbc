"""The first two moments of the radius of gyration, and their errors. NaN in, NaN out."""

from __future__ import annotations

from dataclasses import dataclass

import zoo
from zoo.polymer import radius_of_gyration


@dataclass(frozen=True)
class RgMean(zoo.Metric):
    """Mean radius of gyration as drawn, to be compared with its floor: the truth's.

    Beside `rg_reweighted` it says how far a model is off before its draws are weighted.

    Example:
        >>> import torch
        >>> rod = torch.tensor([[[-3.0, 0.0], [3.0, 0.0]]])
        >>> RgMean().compute(zoo.Drawn(rod), zoo.Data(train=rod, test=rod))
        3.0
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:  # noqa: ARG002 - needs no truth
        """Mean in σ."""
        return float(radius_of_gyration(drawn.conformations).mean())


@dataclass(frozen=True)
class RgMeanError(zoo.Metric):
    """Relative error of the mean radius of gyration, without sign.

    Example:
        >>> import torch
        >>> x = torch.arange(48.0).view(2, 12, 2)
        >>> RgMeanError().compute(zoo.Drawn(1.25 * x), zoo.Data(train=x, test=x))
        0.25
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """|mean / test mean − 1|."""
        radii, test = radius_of_gyration(drawn.conformations), radius_of_gyration(data.test)
        return float((radii.mean() / test.mean() - 1).abs())


@dataclass(frozen=True)
class RgStdError(zoo.Metric):
    """Relative error of the spread of the radius of gyration, without sign.

    Large for a model that draws typical chains only.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """|standard deviation / test standard deviation − 1|."""
        radii, test = radius_of_gyration(drawn.conformations), radius_of_gyration(data.test)
        return float((radii.std() / test.std() - 1).abs())
