"""Network calls that torch compiles: fewer passes over memory, and less of the interpreter."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo.contracts import Model, Path

_CALLS = ("denoise", "velocity")

Call = Callable[[Tensor, Tensor], Tensor]


def compile_calls(model: Model) -> bool:
    """Have torch compile the network calls of a path, and of paths inside a model.

    Each is compiled when it is first made, for a batch of one, for another size, and then for any.
    What it gives differs by rounding. A model that is no path, and has none inside, stays as it is.

    Args:
        model: The model, where it is to be used.

    Returns:
        Whether there was anything to compile.

    Example:
        >>> from zoo.conformance.gaussian import NormalPath
        >>> from zoo.generative import CosineSchedule
        >>> compile_calls(NormalPath(CosineSchedule()))
        True
    """
    torch._inductor.config.compile_threads = 1  # no processes beside this one
    paths = [one for one in model.modules() if isinstance(one, Path)]
    for path in paths:
        for name in _CALLS:
            object.__setattr__(path, name, _compiled(getattr(path, name), path.device))
    return bool(paths)


def _compiled(call: Call, device: torch.device) -> Call:
    if device.type != "cuda":
        return torch.compile(call)
    captured = torch.compile(call, mode="reduce-overhead")  # replayed from a graph

    def call_and_keep(x_t: Tensor, t: Tensor) -> Tensor:
        return captured(x_t, t).clone()  # a graph writes its next result to the same place

    return call_and_keep
