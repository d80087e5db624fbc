"""A normalizing flow, and an energy on top of it."""

from __future__ import annotations

from torch import Tensor

from zoo_plugins.models.nsf import NSF
from zoo_plugins.models.residual import Residual


class NSFEBM(Residual):
    """A spline flow, and an energy of pairs that corrects it; its density is known.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        clipped: See `Residual`; the less, the more is drawn in vain.

    Example:
        >>> model = NSFEBM((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        236792
    """

    recipe = NSF.recipe
    base: NSF

    def __init__(
        self, shape: tuple[int, int], *, coordinates: str | None = None, clipped: float = 0.005
    ) -> None:
        super().__init__(shape, NSF(shape, coordinates=coordinates), clipped=clipped)

    def propose(self, n: int) -> Tensor:
        """Draws of the flow."""
        return self.base.draw(n)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        return self.base.log_prob(x) + self._tilt(x) - self.log_z
