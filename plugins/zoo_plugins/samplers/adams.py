"""Old slopes for a new step."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.generative.levels import even_levels
from zoo_plugins.samplers.grid import check_steps

WEIGHTS = {
    1: (1.0,),
    2: (-1 / 2, 3 / 2),
    3: (5 / 12, -16 / 12, 23 / 12),
    4: (-9 / 24, 37 / 24, -59 / 24, 55 / 24),
}
"""What the last 1 to 4 slopes count, the latest last."""


@dataclass(frozen=True)
class Adams(zoo.Sampler[zoo.Path]):
    """Adams-Bashforth on the probability flow, in the angle φ = arctan(s/a).

    At unit variance a state is z = x_t / √(a² + s²) = x cos φ + e sin φ, and its slope along the
    flow is dz/dφ = (z cos φ − x̂) / sin φ: for data near a normal it hardly changes from noise to
    data, so that few steps are enough. The polynomial through the last `order` slopes is
    integrated over the next step. The first steps have fewer slopes behind them; what they miss
    is of second order and stays, so a higher order makes errors smaller, not their order higher.

    Args:
        steps: Number of steps, one network call each.
        order: Slopes in use, 1 to 4.

    Raises:
        UsageError: If `steps` is less than 1 or `order` is not 1, 2, 3 or 4.

    Reference:
        Liu et al. (2022), arXiv:2202.09778, for old slopes on this flow; Lu & Song (2025),
        arXiv:2410.11081, for the angle.

    Example:
        >>> Adams(steps=10)
        Adams(steps=10, order=4)
    """

    steps: int = 20
    order: int = 4

    def __post_init__(self) -> None:
        check_steps("adams", self.steps)
        if self.order not in WEIGHTS:
            raise UsageError(f"adams[order={self.order!r}]: expected 1, 2, 3 or 4.")

    def sample(self, model: zoo.Path, n: int) -> Tensor:
        """Conformations (n, beads, dim)."""
        walk = even_levels(model, self.steps)
        angle = walk.sigma.atan()
        cos, sin = angle.cos(), angle.sin()
        z = cos[0] * walk.start(n)
        slopes: deque[Tensor] = deque(maxlen=self.order)
        for k in range(self.steps):
            slopes.append((cos[k] * z - walk.clean(k, z / cos[k])) / sin[k])
            weighted = zip(WEIGHTS[len(slopes)], slopes, strict=True)
            slope = sum(weight * slope for weight, slope in weighted)
            z = z + (angle[k + 1] - angle[k]) * slope
        return model.decode(z)
