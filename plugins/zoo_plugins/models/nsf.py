"""A neural spline flow: couplings of monotone rational-quadratic splines."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

import zoo
from zoo.generative import MLP, rational_quadratic_spline
from zoo.polymer import augment, turn_at_random
from zoo.polymer.representations import representation


class NSF(zoo.OneShot):
    """A normalizing flow whose couplings bend one half of the coordinates, seeing the other.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        couplings: Number of couplings, at least 2.
        bins: Bins of a spline.
        width: Units of a hidden layer.
        bound: Half the side of the square the splines live in, in standard deviations.

    Reference:
        Durkan et al. (2019), arXiv:1906.04032.

    Example:
        >>> model = NSF((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        230214
    """

    # Longer, and its likelihood of conformations it has not seen falls.
    recipe = zoo.Recipe(epochs=50, learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        couplings: int = 4,
        bins: int = 8,
        width: int = 144,
        bound: float = 5.0,
    ) -> None:
        super().__init__()
        self.coordinates = representation(coordinates, shape)
        size = self.coordinates.size
        self.couplings = nn.ModuleList(
            Coupling(size, number, bins, width, bound) for number in range(couplings)
        )

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood per coordinate, in nats."""
        return -self.log_prob(augment(x)).mean() / self.coordinates.size

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        z = self.coordinates.encode(x)
        total = self.coordinates.log_det(x)
        for coupling in self.couplings:
            z, log_det = coupling(z, inverse=False)
            total = total + log_det
        return total - (z.square() + math.log(2 * math.pi)).sum(dim=1) / 2

    def draw(self, n: int) -> Tensor:
        """Send normal numbers back through the flow; turn chains that come without a pose."""
        z = torch.randn(n, self.coordinates.size, device=self.device)
        for coupling in reversed(self.couplings):
            z, _ = coupling(z, inverse=True)
        x = self.coordinates.decode(z)
        if self.coordinates.oriented:
            return x
        return turn_at_random(x)


class Coupling(nn.Module):
    """One coupling: a fixed random half of the numbers is bent as the other half says.

    Args:
        size: How many numbers pass.
        number: Which coupling of the flow it is; chooses the half.
        bins: Bins of a spline.
        width: Units of a hidden layer.
        bound: Half the side of the splines' square.
    """

    seen: Tensor
    bent: Tensor

    def __init__(self, size: int, number: int, bins: int, width: int, bound: float) -> None:
        super().__init__()
        # Neighbours along the chain part ways in every second pair of couplings.
        generator = torch.Generator().manual_seed(number // 2)
        order = torch.randperm(size, generator=generator)
        first, second = order[: size // 2].sort().values, order[size // 2 :].sort().values
        seen, bent = (first, second) if number % 2 == 0 else (second, first)
        self.register_buffer("seen", seen)
        self.register_buffer("bent", bent)
        self.bound = bound
        outputs = len(bent) * (3 * bins - 1)
        self.network = MLP(len(seen), outputs, width=width, depth=2).silent()  # the identity

    def forward(self, z: Tensor, *, inverse: bool) -> tuple[Tensor, Tensor]:
        """Bend (n, size) numbers; give them and log |det| of the direction taken, (n,)."""
        parameters = self.network(z[:, self.seen]).view(len(z), len(self.bent), -1)
        bent, log_slope = rational_quadratic_spline(
            z[:, self.bent], parameters, bound=self.bound, inverse=inverse
        )
        return z.index_copy(1, self.bent, bent), log_slope.sum(dim=1)
