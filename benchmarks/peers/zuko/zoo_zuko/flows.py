"""Flows of zuko over standardised coordinates of a chain."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

import zoo
from zoo.polymer import augment, turn_at_random
from zoo.polymer.representations import Standardized, representation

# Importing zuko switches off the validation of everybody's distributions. The flows here use
# its transforms only, so what it changes is put back.
_BEFORE = {name: vars(Distribution)[name] for name in ("_validate_args", "arg_constraints")}
from zuko import flows  # noqa: E402

for _name, _value in _BEFORE.items():
    setattr(Distribution, _name, _value)


class ZukoFlow(zoo.OneShot):
    """A flow of zuko between coordinates and independent normal numbers.

    Abstract: a model says which flow.

    Args:
        coordinates: Representation of a conformation.
        flow: A lazy flow of zuko over vectors of that size.
    """

    recipe = zoo.Recipe(epochs=50, learning_rate=2e-3)

    def __init__(self, coordinates: Standardized, flow: Any) -> None:  # noqa: ANN401 - untyped
        super().__init__()
        self.coordinates = coordinates
        self.flow = flow

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood per coordinate, in nats."""
        return -self.log_prob(augment(x)).mean() / self.coordinates.size

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        z, log_det = self.flow.transform().call_and_ladj(self.coordinates.encode(x))
        normal = -(z.square() + math.log(2 * math.pi)).sum(dim=1) / 2
        found: Tensor = normal + log_det + self.coordinates.log_det(x)
        return found

    def draw(self, n: int) -> Tensor:
        """Send normal numbers back through the flow; turn chains that come without a pose."""
        z = torch.randn(n, self.coordinates.size, device=self.device)
        x = self.coordinates.decode(self.flow.transform().inv(z))
        if self.coordinates.oriented:
            return x
        return turn_at_random(x)


class NSF(ZukoFlow):
    """Rational-quadratic splines, each number bent as all before it say.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        transforms: Number of autoregressive transformations.
        bins: Bins of a spline.
        width: Units of a hidden layer; there are two.

    Reference:
        Durkan et al. (2019), arXiv:1906.04032.

    Example:
        >>> sum(p.numel() for p in NSF((12, 2)).parameters())
        244905
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        transforms: int = 3,
        bins: int = 8,
        width: int = 128,
    ) -> None:
        standard = representation(coordinates, shape)
        flow = flows.NSF(
            standard.size,
            transforms=transforms,
            bins=bins,
            hidden_features=(width, width),
            activation=nn.SiLU,
        )
        super().__init__(standard, flow)


class MAF(ZukoFlow):
    """Shifts and scales, each number moved as all before it say.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        transforms: Number of autoregressive transformations.
        width: Units of a hidden layer; there are two.

    Reference:
        Papamakarios et al. (2017), arXiv:1705.07057.

    Example:
        >>> sum(p.numel() for p in MAF((12, 2)).parameters())
        246930
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        transforms: int = 5,
        width: int = 192,
    ) -> None:
        standard = representation(coordinates, shape)
        flow = flows.MAF(
            standard.size,
            transforms=transforms,
            hidden_features=(width, width),
            activation=nn.SiLU,
        )
        super().__init__(standard, flow)


class CNF(ZukoFlow):
    """A continuous flow trained by likelihood, which solves an equation for every step.

    A step costs many times one of flow matching, so the network is small and the passes are few;
    more of either gained nothing. Training takes the solver's tolerance coarse and estimates
    the trace along one random direction. Afterwards the trace is exact and the tolerance fine,
    since the solver's steps, and its error with them, depend on the whole batch.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        width: Units of a hidden layer; there are two.

    Reference:
        Grathwohl et al. (2019), arXiv:1810.01367.

    Example:
        >>> sum(p.numel() for p in CNF((12, 2)).parameters())
        7317
    """

    recipe = zoo.Recipe(epochs=20, learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        width: int = 64,
    ) -> None:
        standard = representation(coordinates, shape)
        super().__init__(standard, flows.CNF(standard.size, hidden_features=(width, width)))
        self.train()

    def train(self, mode: bool = True) -> CNF:
        """Solve coarsely and estimate while training, and only then."""
        transform = self.flow.transform
        transform.exact = not mode
        transform.atol = transform.rtol = 1e-3 if mode else 1e-5
        super().train(mode)
        return self
