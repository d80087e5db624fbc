"""Conditional flow matching along straight paths."""

from __future__ import annotations

import torch
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
        Lipman et al. (2023), eq. 9 and 22, arXiv:2210.02747; for the skip connection Karras
        et al. (2022), section 5, arXiv:2206.00364.

    Example:
        >>> model = CFM((12, 2))
        >>> model.size, sum(p.numel() for p in model.parameters())
        (21, 247061)
    """

    recipe = zoo.Recipe(learning_rate=2e-3)
    schedule = StraightSchedule()

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the velocity at random points of random lines."""
        data, noise, t, c, state = self.noised(x)
        return squared_error(self._velocity(state, t, c), c.da * data + c.ds * noise)

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Velocity of the probability-flow ODE, as learned."""
        return self._velocity(x_t, t, self.coefficients(t))

    def _velocity(self, x_t: Tensor, t: Tensor, c: zoo.Coefficients) -> Tensor:
        """The velocity that normal data would imply, corrected by a network.

        With data of unit variance x_t has variance r² = a² + s², and its velocity would be
        (a a' + s s') / r² · x_t. The network sees x_t at unit variance too.
        """
        r = torch.sqrt(c.a.square() + c.s.square())
        implied = (c.a * c.da + c.s * c.ds) / r.square() * x_t
        found: Tensor = implied + (c.a * c.ds - c.s * c.da) / r * self.network(x_t / r, t)
        return found
