"""Global state that a plugin must leave alone: random states and torch's settings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.distributions import Distribution


class _Setting(NamedTuple):
    read: Callable[[], Any]
    write: Callable[[Any], None]


def _record_gradients(mode: bool) -> None:
    torch.set_grad_enabled(mode)


_SETTINGS: Mapping[str, _Setting] = {
    "the default dtype": _Setting(torch.get_default_dtype, torch.set_default_dtype),
    "the number of threads": _Setting(torch.get_num_threads, torch.set_num_threads),
    "whether gradients are recorded": _Setting(torch.is_grad_enabled, _record_gradients),
    "whether algorithms are deterministic": _Setting(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    "the precision of matrix products": _Setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    "the default device": _Setting(torch.get_default_device, torch.set_default_device),
    "whether distributions check their arguments": _Setting(
        lambda: Distribution._validate_args, Distribution.set_default_validate_args
    ),
}


def settings() -> dict[str, object]:
    """Torch's settings that concern everybody in the process.

    Example:
        >>> settings()["the default dtype"]
        torch.float32
    """
    return {name: setting.read() for name, setting in _SETTINGS.items()}


def seed_all(seed: int) -> None:
    """Seed torch, NumPy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def random_states() -> dict[str, object]:
    """Where the global generators stand, in a form that can be compared."""
    _, keys, position, *_ = np.random.get_state()
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "NumPy": (np.asarray(keys).tobytes(), position),
        "Python": random.getstate(),
    }


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed everything, and afterwards put random states and settings back.

    Args:
        seed: Where the global generators start inside.

    Example:
        >>> before = random_states()
        >>> with isolated(seed=0):
        ...     _ = torch.randn(3)
        >>> random_states() == before
        True
    """
    kept, numpy_state, python_state = settings(), np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            seed_all(seed)
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        for name, value in kept.items():
            if _SETTINGS[name].read() != value:
                _SETTINGS[name].write(value)
