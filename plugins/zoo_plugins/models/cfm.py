"""Conditional flow matching: one loss for several paths and couplings."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

import zoo
from zoo.generative import CosineSchedule, StraightSchedule, VelocityField
from zoo.generative.paths import data_from_velocity
from zoo_plugins.models.networks import ChainPath, choose, squared_error

Route = Literal["straight", "vp"]
Coupled = Literal["independent", "ot"]


class CFM(ChainPath, VelocityField):
    """A network of velocities, regressed on the paths between single data and single noise.

    On the variance-preserving path this is `ddpm[predicts=velocity]` by another name. With
    `coupling="ot"` each batch gives its noise to the data it is nearest to, all in all, so that
    paths cross less and fewer steps will do. The learned flow still ends in the data, and
    `ode` and `ddim` follow it. But a state's noise is then no longer independent of its data,
    and that is what `ancestral` and whatever else adds fresh noise take for granted: they draw
    from some other distribution, however good the network. Use them with `independent` only.

    Args:
        shape: `(beads, dim)`.
        path: `straight`, or `vp`, the cosine schedule of `ddpm`.
        coupling: `independent`, or `ot`, optimal transport within a batch.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        condition: Observable that `given` can be told, `rg` or `ree`; a fifth of the training
            goes without, so that one network is both paths of classifier-free guidance.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Raises:
        UsageError: If an option has no such value.

    Reference:
        Lipman et al. (2023), eq. 9 and 22, arXiv:2210.02747; Tong et al. (2024),
        arXiv:2302.00482, and Pooladian et al. (2023), arXiv:2304.14772, for the coupling; for
        the skip connection Karras et al. (2022), section 5, arXiv:2206.00364.

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
        path: Route = "straight",
        coupling: Coupled = "independent",
        coordinates: str | None = None,
        condition: str | None = None,
        width: int = 320,
        depth: int = 3,
    ) -> None:
        super().__init__(
            shape, coordinates=coordinates, condition=condition, width=width, depth=depth
        )
        choose("path", path, get_args(Route))
        choose("coupling", coupling, get_args(Coupled))
        self.schedule = StraightSchedule() if path == "straight" else CosineSchedule()
        self.couple = None if coupling == "independent" else optimal_coupling

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the velocity at random points of random paths."""
        data, noise, t, c, state, label = self.noised(x, self.couple)
        return squared_error(self._velocity(state, t, c, label), c.da * data + c.ds * noise)

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Velocity of the probability-flow ODE, as learned."""
        return self._velocity(x_t, t, self.coefficients(t), None)

    def clean(self, x_t: Tensor, t: Tensor, label: Tensor | None) -> Tensor:
        """The clean state that the velocity implies, of states whose label is known."""
        c = self.coefficients(t)
        return data_from_velocity(x_t, self._velocity(x_t, t, c, label), c)

    def _velocity(
        self, x_t: Tensor, t: Tensor, c: zoo.Coefficients, label: Tensor | None
    ) -> Tensor:
        """The velocity that normal data would imply, corrected by a network.

        With data of unit variance x_t has variance r² = a² + s², and its velocity would be
        (a a' + s s') / r² · x_t. The network sees x_t at unit variance too.
        """
        r = torch.sqrt(c.a.square() + c.s.square())
        implied = (c.a * c.da + c.s * c.ds) / r.square() * x_t
        found: Tensor = implied + (c.a * c.ds - c.s * c.da) / r * self.network(x_t / r, t, label)
        return found


def optimal_coupling(data: Tensor, noise: Tensor) -> Tensor:
    """The noise in the order that brings it nearest to the data, in total squared distance.

    A permutation: data and noise keep their distributions, and only who meets whom changes.

    Args:
        data: Shape (n, size).
        noise: Shape (n, size).

    Returns:
        Rows of `noise`, shape (n, size).

    Reference:
        Tong et al. (2024), section 3.3, arXiv:2302.00482; the solver is that of Crouse (2016),
        IEEE Trans. Aerosp. Electron. Syst. 52, 1679.

    Example:
        >>> optimal_coupling(torch.tensor([[5.0], [-5.0]]), torch.tensor([[-1.0], [1.0]]))
        tensor([[ 1.],
                [-1.]])
    """
    cost = torch.cdist(data, noise).square()
    _, order = linear_sum_assignment(cost.detach().cpu().numpy())
    return noise[torch.from_numpy(order).to(noise.device)]
