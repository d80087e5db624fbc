"""Velocities regressed on the pairs that torchcfm draws.

Its time runs from noise at 0 to data at 1; ours is t = 1 − its, so velocities change sign.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchcfm import ConditionalFlowMatcher, ExactOptimalTransportConditionalFlowMatcher

import zoo
from zoo.generative import MLP, StraightSchedule, TimeFeatures, VelocityField
from zoo.polymer import augment, pair_distances
from zoo.polymer.representations import representation


class FlowMatching(VelocityField):
    """A network of velocities along straight lines between noise and data.

    Abstract: a model says how torchcfm pairs them. The network sees the state, its time and
    the pair distances of the chain that it spells.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of the state; `None` chooses by dimension.
        width: Units of a hidden layer.
        depth: Hidden layers.
    """

    recipe = zoo.Recipe(learning_rate=2e-3)
    matcher: ClassVar[Any]
    """What draws times, states and velocities; it has no state of its own."""

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        width: int = 320,
        depth: int = 3,
    ) -> None:
        super().__init__()
        beads, _ = shape
        self.coordinates = representation(coordinates, shape)
        self.size = self.coordinates.size
        self.time = TimeFeatures(32)
        inputs = self.size + 32 + beads * (beads - 1) // 2
        self.network = MLP(inputs, self.size, width=width, depth=depth)

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the velocity, at the points that torchcfm draws."""
        data = self.coordinates.encode(augment(x))
        theirs, state, forward = self.matcher.sample_location_and_conditional_flow(
            torch.randn_like(data), data
        )
        return nn.functional.mse_loss(self._velocity(state, 1 - theirs), -forward)

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of straight lines."""
        return StraightSchedule()(t)

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Velocity of the probability-flow ODE, as learned."""
        return self._velocity(x_t, t.expand(len(x_t)))

    def decode(self, x: Tensor) -> Tensor:
        """Conformations of these states, in any orientation, handedness and direction."""
        return augment(self.coordinates.decode(x))

    def _velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Velocities (n, size) of states (n, size) at times (n,)."""
        distances = pair_distances(self.coordinates.decode(x_t))
        found: Tensor = self.network(torch.cat([x_t, self.time(t), distances / 3 - 1], dim=1))
        return found


class ICFM(FlowMatching):
    """Noise and data paired at random.

    Reference:
        Lipman et al. (2023), arXiv:2210.02747; Tong et al. (2024), arXiv:2302.00482.

    Example:
        >>> sum(p.numel() for p in ICFM((12, 2)).parameters())
        250581
    """

    matcher = ConditionalFlowMatcher(sigma=0.0)


class OTCFM(FlowMatching):
    """Noise and data of a batch paired by optimal transport, so that lines cross less.

    For deterministic samplers: noise that is chosen to fit its data is not independent of it,
    which stochastic steps take for granted. The pairs are drawn from NumPy's random state.

    Reference:
        Tong et al. (2024), arXiv:2302.00482.

    Example:
        >>> sum(p.numel() for p in OTCFM((12, 2)).parameters())
        250581
    """

    matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
