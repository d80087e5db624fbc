"""The watch in a child's hand: one thing, loaded and warm, timed as often as asked."""

from __future__ import annotations

import ctypes
import math
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import torch

from zoo.contracts import ExactDataset
from zoo.errors import PluginError
from zoo.harness.clocked import Clocked, Exact, Kernel, Time
from zoo.harness.compiled import compile_calls
from zoo.harness.data import build_dataset
from zoo.harness.sampling import build_sampler
from zoo.harness.stages import WEIGHTS_FILE
from zoo.harness.training import restore_model, synchronise

AGREE = 0.05
"""Relative difference of the medians of two windows at which a thing is warm."""

WARM_UP = 30
"""Windows' worth of calls after which a warm-up ends even if the last two still differ."""

KERNEL_ROWS = {"cpu": 1_000, "cuda": 65_536}
"""Rows that pass through the reference kernel: some ms on a core or two, and on a GPU."""

KERNEL_WIDTH, KERNEL_LAYERS = 256, 4

T = TypeVar("T")


def attendant(subject: Clocked) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Load a subject and return what answers requests about it.

    A request `{"do": ..., "n": ...}` names a batch size and what is to be done with it:
    `warm` repeats calls until they are stable, `probe` makes one short visit and survives if
    that fails, `time` gives seconds per call, repeated for at least `round_seconds`.
    """
    draw, device = load(subject), subject.device
    repeats: dict[int, int] = {}

    def visit(n: int, most: float) -> dict[str, Any]:
        if n not in repeats and isinstance(subject, Time) and subject.compiled:
            draw(n)  # which compiles it

        def once() -> float:
            return seconds_per_call(lambda: draw(n), device)

        first, peak = peak_memory(once, device)
        typical = warm_up(once, first, subject.round_seconds, most)
        repeats[n] = max(1, math.ceil(subject.round_seconds / typical))
        return {"seconds": typical, "peak_mb": peak}

    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        do, n = request["do"], int(request["n"])
        with torch.no_grad():  # not inference mode: an energy-based model may need gradients
            if do == "warm":
                return visit(n, WARM_UP * subject.round_seconds)
            if do == "probe":
                with suppress(Exception):  # too large a batch, say: then it is not the best
                    found = visit(n, 0.0)
                    # A first call may be a cold one.
                    return found | {"seconds": min(found["seconds"], visit(n, 0.0)["seconds"])}
                return {"seconds": None}
            return {"seconds": seconds_per_call(lambda: draw(n), device, repeats[n])}

    return answer


def load(subject: Clocked) -> Callable[[int], object]:
    """What is to be timed, as a function of the batch size."""
    if isinstance(subject, Time):
        model = restore_model(subject.train, subject.trained.folder / WEIGHTS_FILE)
        model = model.to(subject.device)
        sampler = build_sampler(subject.sampler)
        if subject.compiled:
            compile_calls(model)
        return lambda n: sampler.sample(model, n)
    if isinstance(subject, Exact):
        return _exact_sampler(subject)
    return _kernel(subject)


def _exact_sampler(subject: Exact) -> Callable[[int], object]:
    dataset = build_dataset(subject.dataset)
    if not isinstance(dataset, ExactDataset):
        raise PluginError(
            f"dataset {subject.dataset.label!r} offers fresh conformations, but is a "
            f"{type(dataset).__name__}, no zoo.ExactDataset."
        )
    return dataset.fresh


def _kernel(subject: Kernel) -> Callable[[int], object]:
    """A few layers of a network such as models are made of, whatever the batch."""
    rows = KERNEL_ROWS["cuda" if subject.device.startswith("cuda") else "cpu"]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, KERNEL_WIDTH, generator=generator).to(subject.device)
    weight = torch.randn(KERNEL_WIDTH, KERNEL_WIDTH, generator=generator).to(subject.device)
    weight *= (2 / KERNEL_WIDTH) ** 0.5  # numbers neither grow nor vanish

    def layers(_n: int) -> torch.Tensor:
        y = x
        for _ in range(KERNEL_LAYERS):
            y = torch.relu(y @ weight)
        return y

    return layers


def seconds_per_call(call: Callable[[], object], device: str, repeats: int = 1) -> float:
    """Wall time of a call, with the device synchronised before and after all of them.

    Args:
        call: What is timed.
        device: Where it works, `cpu` or `cuda`.
        repeats: Calls in a row.

    Returns:
        Seconds per call.
    """
    synchronise(device)
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    synchronise(device)
    return (time.perf_counter() - start) / repeats


def warm_up(measure: Callable[[], float], first: float, window: float, most: float) -> float:
    """Repeat a call until the medians of two windows in a row agree.

    Args:
        measure: Makes the call and gives its seconds.
        first: Seconds of a first call, already made.
        window: Least seconds of calls in a window.
        most: Seconds of calls after which it is enough.

    Returns:
        The median of the last window, in s.

    Example:
        >>> calls = iter([1.0, 2.0, 1.98, 7.0])
        >>> warm_up(lambda: next(calls), first=9.0, window=0.5, most=60.0)
        1.98
    """
    taken, spent, before = [first], first, math.nan
    filled = first
    while True:
        while filled < window:
            taken.append(measure())
            filled += taken[-1]
            spent += taken[-1]
        typical = statistics.median(taken)
        if abs(typical - before) <= AGREE * before or spent >= most:
            return typical
        before, filled = typical, 0.0
        taken = []


def peak_memory(call: Callable[[], T], device: str) -> tuple[T, float | None]:
    """Make a call and see how far it drives memory up.

    On a GPU it is what torch allocates there, on a CPU the resident set of this process. What
    the allocator holds in reserve is given back first, or nothing might rise at all.

    Args:
        call: What is called.
        device: Where it works, `cpu` or `cuda`.

    Returns:
        What the call returned, and the rise in MB (10⁶ bytes), `None` where the system does
        not say.
    """
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        return call(), (torch.cuda.max_memory_allocated() - held) / 1e6
    with suppress(OSError, AttributeError):  # a C library that has no such function
        ctypes.CDLL(None).malloc_trim(0)
    held_kib = _reset_peak()
    result = call()
    if held_kib is None:
        return result, None
    return result, max(0, _resident("VmHWM") - held_kib) * 1024 / 1e6


def _reset_peak() -> int | None:
    """Forget the peak of the resident set and give its present size in KiB, where possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _resident("VmRSS")
    except (OSError, LookupError):
        return None


def _resident(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").split("\n"):
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)
