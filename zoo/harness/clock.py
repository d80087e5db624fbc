"""The watch in a child's hand: one entry, loaded and warm, timed as often as asked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch

from zoo.harness.sampling import build_sampler
from zoo.harness.stages import WEIGHTS_FILE, Time
from zoo.harness.training import restore_model, synchronise

WARM_UP_SECONDS = 0.3


def stopwatch(stage: Time) -> Callable[[int], float]:
    """Load an entry and return what times it.

    The returned function takes a batch size and gives seconds per call, repeated within the
    round until at least `round_seconds` have passed; its first use at a size warms up.
    """
    model = restore_model(stage.train, stage.trained.folder / WEIGHTS_FILE).to(stage.device)
    sampler = build_sampler(stage.sampler)
    repeats: dict[int, int] = {}

    def seconds(n: int, times: int) -> float:
        synchronise(stage.device)
        start = time.perf_counter()
        for _ in range(times):
            sampler.sample(model, n)
        synchronise(stage.device)
        return (time.perf_counter() - start) / times

    def measure(n: int) -> float:
        with torch.no_grad():  # not inference mode: an energy-based model may need gradients
            if n not in repeats:
                until = time.perf_counter() + WARM_UP_SECONDS
                last = seconds(n, 1)
                while time.perf_counter() < until:
                    last = seconds(n, 1)
                repeats[n] = max(1, math.ceil(stage.round_seconds / last))
            return seconds(n, repeats[n])

    return measure
