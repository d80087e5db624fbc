"""Observables that chains may be wanted at, and the truth about such chains.

To want Rg = 2 exactly is to ask for a set of probability zero. So an observable is seen through a
narrow blur, y = Rg + e with e normal, and what is wanted is y. By Bayes' rule the conformations
behind a seen y are distributed as p(x) · exp(−(Rg(x) − y)² / 2 blur²), a soft window; of a set of
true conformations those that are kept with that probability are a true sample of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.polymer.geometry import end_to_end, radius_of_gyration


@dataclass(frozen=True)
class Observable:
    """A number that every conformation has.

    Args:
        name: What the command line calls it.
        of: Takes conformations (n, beads, dim) to its values, shape (n,), in σ.
        blur: Standard deviation of the blur through which it is seen, in σ.
    """

    name: str
    of: Callable[[Tensor], Tensor]
    blur: float

    def seen(self, x: Tensor) -> Tensor:
        """Blurred values of conformations (n, beads, dim), shape (n,), in σ."""
        exact = self.of(x)
        return exact + self.blur * torch.randn_like(exact)

    def window(self, x: Tensor, value: float) -> Tensor:
        """Those conformations that are kept where a value is wanted.

        Args:
            x: Independent conformations, shape (n, beads, dim), in σ.
            value: What is wanted, in σ.

        Returns:
            Some of `x`, a sample of their distribution given that `value` is seen.

        Example:
            >>> x = torch.tensor([[[0.0], [2.0]], [[0.0], [6.0]]])  # Rg 1 and 3
            >>> OBSERVABLES["rg"].window(x.repeat(9, 1, 1), 3.0).unique(dim=0).tolist()
            [[[0.0], [6.0]]]
        """
        far = (self.of(x) - value) / self.blur
        return x[torch.rand(len(x)) < torch.exp(-far.square() / 2)]


OBSERVABLES: Mapping[str, Observable] = {
    one.name: one
    for one in (
        Observable("rg", radius_of_gyration, blur=0.05),
        Observable("ree", end_to_end, blur=0.2),
    )
}
"""Radius of gyration and end-to-end distance, each seen through a seventh of its spread on the
default chain, or less."""
