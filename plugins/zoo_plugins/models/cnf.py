"""A continuous normalizing flow: an ordinary differential equation, trained by likelihood."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torchdiffeq import odeint, odeint_adjoint

import zoo
from zoo.errors import UsageError
from zoo.generative.divergence import pull_back, random_signs, unit_vectors
from zoo.generative.likelihood import carry, normal_log_prob
from zoo.polymer import augment, turn_at_random
from zoo.polymer.representations import representation
from zoo_plugins.models.networks import ChainNetwork

FINE = 16
"""Runge-Kutta steps of a draw, and nodes of the integral in `log_prob`, which at half as many is
off by 0.01 nats, and does not change by 0.001 at twice as many."""


class CNF(zoo.OneShot):
    """A network of velocities that carries conformations into normal noise, and back.

    Its loss is the likelihood itself: each step solves the equation, with Hutchinson's estimate
    of the divergence, and solves it backwards once more for the gradients (the adjoint), which
    keeps no states on the way. That costs a hundred times a step of flow matching. So there are
    fewer passes and a smaller network here, and a solver of few fixed steps. For these to be
    enough the flow must stay smooth: its effort, ∫ |v|² + |∇v|² dt, is part of the loss.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        divergence: How `log_prob` takes it: `exact`, or `hutchinson`, by random signs, for
            unbiased estimates that are new at every call.
        width: Units of a hidden layer.
        depth: Hidden layers.
        steps: Runge-Kutta steps of fourth order in training.
        effort: Weight of the effort beside the negative log-likelihood in nats.

    Raises:
        zoo.errors.UsageError: If `divergence` is neither, or there are no steps.

    Reference:
        Chen et al. (2018), arXiv:1806.07366; Grathwohl et al. (2019), arXiv:1810.01367; for
        the effort Finlay et al. (2020), arXiv:2002.02798.

    Example:
        >>> model = CNF((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        33173
    """

    recipe = zoo.Recipe(epochs=40, learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        divergence: Literal["exact", "hutchinson"] = "exact",
        width: int = 128,
        depth: int = 2,
        steps: int = 2,
        effort: float = 0.05,
    ) -> None:
        super().__init__()
        if divergence not in ("exact", "hutchinson"):
            raise UsageError(f"cnf[divergence={divergence!r}]: expected 'exact' or 'hutchinson'.")
        if not isinstance(steps, int) or steps < 1:
            raise UsageError(f"cnf[steps={steps!r}]: expected a whole number of at least 1.")
        self.directions = unit_vectors if divergence == "exact" else random_signs
        self.steps = steps
        self.effort = effort
        self.coordinates = representation(coordinates, shape)
        self.network = ChainNetwork(self.coordinates, width=width, depth=depth)
        self.network.mlp.silent()  # begin as the identity

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """Mean per coordinate of the negative log-likelihood, up to a constant, and the effort."""
        z = self.coordinates.encode(augment(x))
        signs = random_signs(z)

        def field(t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            velocity, slopes = pull_back(partial(self.network, t=t), state[0], signs)
            effort = velocity.square().sum(dim=1) + slopes.square().sum(dim=(0, 2))
            return velocity, (slopes * signs).sum(dim=(0, 2)), effort

        grid = uneven_grid(self.steps).to(z)
        nothing = z.new_zeros(len(z))
        ways = odeint_adjoint(
            field,
            (z, nothing, nothing),
            z.new_tensor([0.0, 1.0]),
            method="rk4",
            # Steps of random lengths: on even ones the field would be learned at their times only.
            options={"grid_constructor": lambda _, __, t: grid if t[0] < t[-1] else grid.flip(0)},
            adjoint_params=tuple(self.network.parameters()),
        )
        end, growth, effort = (way[-1] for way in ways)
        loss: Tensor = self.effort * effort - normal_log_prob(end) - growth
        return loss.mean() / z.shape[1]

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        z = self.coordinates.encode(x)
        states, growth = carry(self._velocity, z, self.directions(z), nodes=FINE)
        return self.coordinates.log_det(x) + normal_log_prob(states) + growth

    def draw(self, n: int) -> Tensor:
        """Send normal numbers back through the flow; turn chains that come without a pose."""
        z = torch.randn(n, self.coordinates.size, device=self.device)
        times = torch.linspace(1.0, 0.0, FINE + 1, device=self.device)
        x = self.coordinates.decode(odeint(self._velocity, z, times, method="rk4")[-1])
        if self.coordinates.oriented:
            return x
        return turn_at_random(x)

    def _velocity(self, t: Tensor, z: Tensor) -> Tensor:
        """The network, with time first, as solvers have it."""
        found: Tensor = self.network(z, t)
        return found


def uneven_grid(steps: int) -> Tensor:
    """Ends of solver steps from 0 to 1, each inner one anywhere within half a step of its place.

    Example:
        >>> uneven_grid(1)
        tensor([0., 1.])
    """
    inner = torch.arange(1, steps) - 0.5 + torch.rand(steps - 1)
    return torch.cat([torch.zeros(1), inner / steps, torch.ones(1)])
