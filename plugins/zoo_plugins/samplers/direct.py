"""One pass through a model that needs no more."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

import zoo


@dataclass(frozen=True)
class Direct(zoo.Sampler[zoo.OneShot]):
    """Let the model draw.

    Example:
        >>> Direct()
        Direct()
    """

    def sample(self, model: zoo.OneShot, n: int) -> Tensor:
        """Conformations (n, beads, dim), as the model draws them."""
        return model.draw(n)
