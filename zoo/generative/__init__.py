"""What generative models are made of: paths between noise and data, networks, splines.

Nothing here knows of polymers, plugins or scores; only contracts and errors are imported.
Plugins come in; the harness does for guidance alone.
"""

from zoo.generative.hats import Hats
from zoo.generative.nets import MLP, TimeFeatures
from zoo.generative.paths import Denoiser, VelocityField
from zoo.generative.schedules import (
    CosineSchedule,
    LinearBetaSchedule,
    Schedule,
    StraightSchedule,
    SubVPSchedule,
    VESchedule,
    VPSchedule,
)
from zoo.generative.splines import rational_quadratic_spline

__all__ = [
    "MLP",
    "CosineSchedule",
    "Denoiser",
    "Hats",
    "LinearBetaSchedule",
    "Schedule",
    "StraightSchedule",
    "SubVPSchedule",
    "TimeFeatures",
    "VESchedule",
    "VPSchedule",
    "VelocityField",
    "rational_quadratic_spline",
]
