"""Laws of trajectories: how many independent conformations they are worth."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.signal import lfilter
from torch import Tensor

from zoo.polymer.trajectories import (
    effective_size,
    resample_blocks,
    split_blocks,
    statistical_inefficiency,
)


def autoregressive(rho: float, n: int, seed: int) -> Tensor:
    """A stationary series with correlation ρ between neighbours."""
    noise = torch.randn(n + 1000, generator=torch.Generator().manual_seed(seed)).double()
    return torch.from_numpy(lfilter([1.0], [1.0, -rho], noise.numpy()))[1000:]


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_inefficiency_of_an_autoregressive_series(rho: float) -> None:
    """For correlations ρᵗ the sum is (1 + ρ) / (1 − ρ)."""
    found = [statistical_inefficiency(autoregressive(rho, 20_000, seed)) for seed in range(8)]
    assert sum(found) / 8 == pytest.approx((1 + rho) / (1 - rho), rel=0.08)


def test_a_constant_has_no_memory() -> None:
    """A series that never moves says nothing of time."""
    assert statistical_inefficiency(torch.ones(100)) == 1.0


def test_repeated_conformations_count_once() -> None:
    """Each of 500 conformations kept five times: worth about 500."""
    x = torch.randn(500, 6, 2, generator=torch.Generator().manual_seed(1))
    assert effective_size(x) == pytest.approx(500, rel=0.25)
    assert effective_size(x.repeat_interleave(5, dim=0)) == pytest.approx(500, rel=0.25)


def test_blocks_keep_the_error_of_the_mean() -> None:
    """Means of resampled series vary as those of new ones, and one by one they do not."""
    rho, n = 0.8, 4_000
    series = autoregressive(rho, n, 3)
    torch.manual_seed(0)

    def spread(block: int) -> float:
        means = [float(resample_blocks(series, block).mean()) for _ in range(600)]
        return float(torch.tensor(means).std())

    true = math.sqrt((1 + rho) / (1 - rho) / (1 - rho**2) / n)
    assert spread(100) == pytest.approx(true, rel=0.2)
    assert spread(1) < 0.5 * true


def moving(n: int, rho: float) -> Tensor:
    """Chains of three beads whose size is an autoregressive series; the time is in bead 0's y."""
    size = 10 + autoregressive(rho, n, 5).float()
    x = size[:, None, None] * torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    x[:, :, 1] += torch.arange(n)[:, None]
    return x


def test_a_split_keeps_neighbours_apart_and_drift_together() -> None:
    """Test frames are twice the inefficiency from training ones, at the same time on average."""
    x = moving(4_000, 0.8)
    train, test = (part[:, 1, 1] for part in split_blocks(x))
    assert len(test) == 800
    nearest = (test[:, None] - train).abs().amin(dim=1).min()
    inefficiency = 4_000 / effective_size(x)
    assert 2 * inefficiency <= float(nearest) <= 2 * inefficiency + 2
    assert abs(float(train.mean() - test.mean())) < 1  # of 4,000; a single cut is 2,000 off
    assert float(test.std() / train.std()) == pytest.approx(1.0, abs=0.02)


def test_a_slow_trajectory_keeps_half_of_its_training_frames() -> None:
    """Gaps never take all there is, and no frame is in both sets."""
    x = moving(1_000, 0.999)
    train, test = (part[:, 1, 1] for part in split_blocks(x))
    assert len(train) == 400
    assert not set(train.tolist()) & set(test.tolist())
