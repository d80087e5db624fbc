"""Conditional flow matching along straight paths."""

from __future__ import annotations

from torch import Tensor

import zoo
from zoo.generative import StraightSchedule, VelocityField
from zoo_plugins.models.networks import ChainPath, squared_error


class CFM(ChainPath, VelocityField):
    """A network of velocities, regressed on the straight lines between data and noise.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Reference:
        Lipman et al. (2023), eq. 9 and 22, arXiv:2210.02747.

    Example:
        >>> model = CFM((12, 2))
        >>> model.size, sum(p.numel() for p in model.parameters())
        (21, 247061)
    """

    recipe = zoo.Recipe(learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        width: int = 320,
        depth: int = 3,
    ) -> None:
        super().__init__(shape, StraightSchedule(), coordinates, width, depth)

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the velocity at random points of random lines."""
        data, noise, t, c, state = self.noised(x)
        return squared_error(self.network(state, t), c.da * data + c.ds * noise)

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """What the network says."""
        found: Tensor = self.network(x_t, t)
        return found
