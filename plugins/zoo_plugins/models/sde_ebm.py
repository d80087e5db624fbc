"""Diffusion with forces between beads, and an energy on top of it."""

from __future__ import annotations

from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.generative import VPSchedule
from zoo.generative.levels import multistep
from zoo.polymer.representations import representation
from zoo_plugins.models.forces import PairNetwork, carries
from zoo_plugins.models.networks import ChainNetwork
from zoo_plugins.models.residual import Residual
from zoo_plugins.models.score_sde import ScorePath


class SDEEBM(Residual):
    """Diffusion whose scores know of forces between beads, and an energy that corrects it.

    The path has no density here: with forces, its probability flow is too sharp to be integrated.

    Args:
        shape: `(beads, dim)`.
        calls: Network calls for each proposal, of which up to four are made for a draw.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        clipped: See `Residual`; the less, the more is drawn in vain.
        forces: Whether there are forces, if the coordinates carry them.
        energy: Whether draws are corrected; otherwise all of them are kept.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Raises:
        zoo.errors.UsageError: If `calls` is less than 1.

    Example:
        >>> model = SDEEBM((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        136151
    """

    # A force is a sharp function of a distance, and is still learned when the rest has been.
    recipe = zoo.Recipe(epochs=300, batch_size=1024, learning_rate=3e-3)
    base: ScorePath

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        calls: int = 17,
        coordinates: str | None = None,
        clipped: float = 0.02,
        forces: bool = True,
        energy: bool = True,
        width: int = 192,
        depth: int = 3,
    ) -> None:
        if calls < 1:
            raise UsageError(f"sde-ebm[calls={calls}]: expected at least one.")
        state = representation(coordinates, shape)
        network = PairNetwork if forces and carries(state) else ChainNetwork
        path = ScorePath(state, VPSchedule(), network(state, width=width, depth=depth))
        super().__init__(shape, path, clipped=clipped, energy=energy)
        self.calls = calls

    def propose(self, n: int) -> Tensor:
        """Walks along the path."""
        return self.base.decode(multistep(self.base, n, self.calls))
