"""What does the adjoint save? Memory of a training step of `cnf`, against plain backpropagation.

    python -m benchmarks.adjoint

Counted are the bytes of all tensors that autograd keeps at a time for gradients, at most, over
one step: parameters once, and everything the solver leaves behind. The adjoint's gradient is that
of the equation, plain backpropagation's that of the solver's steps: they differ by the solver's
error, which the last column shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from tabulate import tabulate
from torch import Tensor
from torchdiffeq import odeint, odeint_adjoint

from zoo.polymer.chain import Chain
from zoo_plugins.models.cnf import CNF

STEPS = (1, 2, 4, 8, 16, 32)


def main() -> None:
    """Print one line per number of solver steps."""
    torch.set_num_threads(1)
    x = Chain().sample(256, torch.Generator().manual_seed(0))
    rows = []
    for steps in STEPS:
        model = prepared(x, steps)
        adjoint, kept = measured(model, x, adjoint=True)
        plain, kept_plain = measured(model, x, adjoint=False)
        difference = float((adjoint - plain).norm() / plain.norm())
        rows.append([steps, kept / 2**20, kept_plain / 2**20, difference])
    headings = ["steps", "adjoint [MiB]", "plain [MiB]", "gradients differ by"]
    print(tabulate(rows, headings, "pipe", floatfmt=("d", ".2f", ".2f", ".1e")))


def prepared(x: Tensor, steps: int) -> CNF:
    """A flow that has its scales, and a velocity far from none."""
    torch.manual_seed(0)
    model = CNF((x.shape[1], x.shape[2]), steps=steps)
    model.fit(x)
    with torch.no_grad():
        list(model.network.mlp.parameters())[-2].normal_(std=0.1)
    return model


def measured(model: CNF, x: Tensor, *, adjoint: bool) -> tuple[Tensor, int]:
    """Gradient of one step, as one vector, and the most bytes kept for it at a time."""

    def plain(*args: Any, adjoint_params: object, **kwargs: Any) -> Any:  # noqa: ANN401, ARG001
        return odeint(*args, **kwargs)

    torch.manual_seed(1)
    model.zero_grad()
    solver = odeint_adjoint if adjoint else plain
    with counted() as kept, patch("zoo_plugins.models.cnf.odeint_adjoint", solver):
        torch.autograd.backward(model.loss(x))
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return torch.cat(gradients), kept.peak


class Kept:
    """Bytes that are held now, and the most that ever were; a storage held twice counts once."""

    def __init__(self) -> None:
        self.peak = 0
        self._holders: Counter[int] = Counter()
        self._bytes: dict[int, int] = {}

    def take(self, tensor: Tensor) -> None:
        """Count a tensor's storage in."""
        storage = tensor.untyped_storage()
        place = storage.data_ptr()
        self._holders[place] += 1
        self._bytes[place] = storage.nbytes()
        self.peak = max(self.peak, sum(self._bytes.values()))

    def release(self, tensor: Tensor) -> None:
        """Count it out, once nobody else holds it."""
        place = tensor.untyped_storage().data_ptr()
        self._holders[place] -= 1
        if not self._holders[place]:
            del self._bytes[place]


class _Held:
    """A tensor that is counted as long as this lives."""

    def __init__(self, tensor: Tensor, kept: Kept) -> None:
        self.tensor, self.kept = tensor, kept
        kept.take(tensor)

    def __del__(self) -> None:
        self.kept.release(self.tensor)


@contextmanager
def counted() -> Iterator[Kept]:
    """Count what autograd keeps from here on, forwards and backwards."""
    kept = Kept()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: _Held(tensor.detach(), kept), lambda held: held.tensor
    ):
        yield kept


if __name__ == "__main__":
    main()
