"""Conformations that follow one another in time: how many independent ones they are worth."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.polymer.geometry import end_to_end, radius_of_gyration


def statistical_inefficiency(series: Tensor) -> float:
    """How many successive values of a stationary series are worth one independent value.

    g = 1 + 2 Σ ρ(t), with the sum over the autocorrelation cut where the sum of two neighbours
    first is not positive, as it must not be for a reversible process. At least 1.

    Args:
        series: Values in order of time, shape (n,).

    Returns:
        The factor by which the variance of the mean exceeds that of independent values.

    Reference:
        Geyer, Practical Markov chain Monte Carlo, Statist. Sci. 7 (1992), section 3.3.

    Example:
        >>> steps = torch.randn(1000, generator=torch.Generator().manual_seed(0))
        >>> statistical_inefficiency(steps) < 1.5 < statistical_inefficiency(steps.cumsum(0))
        True
    """
    x = series.double() - series.double().mean()
    n = len(x)
    spectrum = torch.fft.rfft(x, n=2 * n)
    covariance = torch.fft.irfft(spectrum.abs().square(), n=2 * n)[:n]
    if covariance[0] <= 0:  # a constant says nothing of time
        return 1.0
    correlation = covariance / covariance[0]
    pairs = correlation[: n // 2 * 2].view(-1, 2).sum(dim=1)
    ends = (pairs <= 0).nonzero()
    stop = int(ends[0]) if len(ends) else len(pairs)
    return max(1.0, float(2 * pairs[:stop].sum() - 1))


def effective_size(x: Tensor) -> float:
    """Number of independent conformations that a trajectory is worth.

    The slower of the radius of gyration and the end-to-end distance decides.

    Args:
        x: Conformations in order of time, shape (n, beads, dim), in σ.

    Returns:
        A number between 1 and n.

    Example:
        >>> x = torch.randn(500, 6, 2, generator=torch.Generator().manual_seed(0))
        >>> effective_size(x.repeat_interleave(10, dim=0)) < 1000
        True
    """
    series = (radius_of_gyration(x), end_to_end(x))
    return max(1.0, len(x) / max(map(statistical_inefficiency, series)))


STRETCHES = 10
"""Stretches of a trajectory that are kept for testing."""

TEST_SHARE = 0.2
"""Share of a trajectory that they make up."""


def split_blocks(x: Tensor) -> tuple[Tensor, Tensor]:
    """Split a trajectory into training and test conformations that are fair to each other.

    Test stretches are spread evenly over the time, so that what drifts is in both sets alike: a
    single cut would compare two different distributions. Training frames before and after
    a test stretch are left out for twice the statistical inefficiency, or up to half of them,
    so that test frames have no near copies in training: single frames chosen at random would.

    Args:
        x: Conformations in order of time, shape (n, beads, dim), with n at least 50, in σ.

    Returns:
        Training and test conformations, each in order of time.

    Reference:
        Racine, J. Econometrics 99 (2000), 39 (gaps beside blocks of validation data).

    Example:
        >>> x = torch.randn(1000, 6, 2, generator=torch.Generator().manual_seed(0))
        >>> [len(part) for part in split_blocks(x)]
        [740, 200]
    """
    n = len(x)
    period = n / STRETCHES
    away = ((torch.arange(n) + 0.5) % period - period / 2).abs()  # from the middle of a stretch
    edge = TEST_SHARE * period / 2
    gap = min(math.ceil(2 * n / effective_size(x)), (period / 2 - edge) / 2)
    return x[away >= edge + gap], x[away < edge]


def resample_blocks(x: Tensor, block: int) -> Tensor:
    """Draw a trajectory of the same length from pieces of another, with replacement.

    Pieces keep what is correlated together, so that resampled averages vary as those of new
    trajectories would. Uses torch's random state.

    Args:
        x: Anything in order of time, shape (n, ...).
        block: Length of a piece, several times the statistical inefficiency; 1 for independent
            values.

    Returns:
        Shape (n, ...).

    Reference:
        Künsch, Ann. Statist. 17 (1989), 1217 (the moving-block bootstrap).

    Example:
        >>> _ = torch.manual_seed(0)
        >>> pieces = resample_blocks(torch.arange(100.0), 10).view(10, 10)
        >>> bool((pieces.diff(dim=1) == 1).all())
        True
    """
    n = len(x)
    starts = torch.randint(n - block + 1, (-(-n // block),))
    return x[(starts[:, None] + torch.arange(block)).flatten()[:n]]
