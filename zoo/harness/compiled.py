"""Network calls that torch compiles: fewer passes over memory, and less of the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor

from zoo.contracts import Model, Path

_CALLS = ("denoise", "velocity")

Call = Callable[[Tensor, Tensor], Tensor]


def compile_calls(model: Model) -> None:
    """Have torch compile the network calls of a path, and of paths inside a model.

    Each is compiled when it is first made, for that size of the batch, and for any size when it
    is made for another. Results differ by rounding. Other models stay as they are.

    Args:
        model: The model, where it is to be used.

    Example:
        >>> from zoo.conformance.gaussian import NormalPath
        >>> from zoo.generative import CosineSchedule
        >>> path = NormalPath(CosineSchedule())
        >>> compile_calls(path)  # nothing is compiled yet
    """
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no processes beside this one
    for one in model.modules():
        if isinstance(one, Path):
            for name in _CALLS:
                object.__setattr__(one, name, _compiled(getattr(one, name), one.device))


def _compiled(call: Call, device: torch.device) -> Call:
    if device.type != "cuda":
        return torch.compile(call)
    captured = torch.compile(call, mode="reduce-overhead")  # replayed from a graph

    def call_and_keep(x_t: Tensor, t: Tensor) -> Tensor:
        return captured(x_t, t).clone()  # a graph writes its next result to the same place

    return call_and_keep
