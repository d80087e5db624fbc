"""A flow of normflows over standardised coordinates of a chain."""

from __future__ import annotations

import normflows
import torch
from torch import Tensor, nn

import zoo
from zoo.polymer import augment, turn_at_random
from zoo.polymer.representations import representation


class NSF(zoo.OneShot):
    """Spline couplings of every second number, with a learned linear layer before each.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        couplings: Number of couplings.
        bins: Bins of a spline.
        width: Units of a hidden layer.

    Reference:
        Durkan et al. (2019), arXiv:1906.04032; Stimper et al. (2023), arXiv:2302.12014.

    Example:
        >>> sum(p.numel() for p in NSF((12, 2)).parameters())
        265412
    """

    recipe = zoo.Recipe(epochs=50, learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        couplings: int = 4,
        bins: int = 8,
        width: int = 128,
    ) -> None:
        super().__init__()
        self.coordinates = representation(coordinates, shape)
        size = self.coordinates.size
        layers: list[nn.Module] = []
        for number in range(couplings):
            layers += [
                normflows.flows.CoupledRationalQuadraticSpline(
                    size,
                    num_blocks=1,
                    num_hidden_channels=width,
                    num_bins=bins,
                    tail_bound=5.0,
                    activation=nn.SiLU,
                    reverse_mask=number % 2 == 1,
                ),
                normflows.flows.LULinearPermute(size),
            ]
        base = normflows.distributions.DiagGaussian(size, trainable=False)
        self.flow = normflows.NormalizingFlow(base, layers)

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood per coordinate, in nats."""
        return -self.log_prob(augment(x)).mean() / self.coordinates.size

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        found: Tensor = self.flow.log_prob(self.coordinates.encode(x))
        return found + self.coordinates.log_det(x)

    def draw(self, n: int) -> Tensor:
        """Let the flow draw; turn chains that come without a pose."""
        z, _ = self.flow.sample(n)
        x = self.coordinates.decode(z)
        if self.coordinates.oriented:
            return x
        return turn_at_random(x)
