"""What tests of the physics share: seeds, means with errors, and when two of them agree."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from torch import Generator, Tensor

from zoo.polymer.geometry import bond_lengths, end_to_end, radius_of_gyration, turning_angles
from zoo.polymer.repulsion import within

Array = npt.NDArray[np.float64]


def seeded(seed: int) -> Generator:
    """A generator of one's own."""
    return Generator().manual_seed(seed)


def mean_and_error(values: Tensor | Array) -> tuple[float, float]:
    """Mean of independent values and its standard error."""
    v = np.asarray(values, dtype=np.float64)
    return float(v.mean()), float(v.std() / math.sqrt(v.size))


def agree(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether two means lie within four of their combined standard errors."""
    return abs(a[0] - b[0]) < 4 * math.hypot(a[1], b[1])


def measures(x: Tensor) -> dict[str, tuple[float, float]]:
    """Means, with errors, of what the sampler could get wrong."""
    rg, ree = radius_of_gyration(x), end_to_end(x)
    return {
        "rg": mean_and_error(rg),
        "rg2": mean_and_error(rg.square()),
        "ree": mean_and_error(ree),
        "ree2": mean_and_error(ree.square()),
        "bond": mean_and_error(bond_lengths(x).mean(dim=1)),
        "cosine": mean_and_error(turning_angles(x).cos().mean(dim=1)),
        "middle": mean_and_error(turning_angles(x)[:, x.shape[1] // 2 - 1].cos()),
        "wca": mean_and_error(within(x)),
    }
