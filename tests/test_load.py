"""Laws of looking at the load of a machine."""

from __future__ import annotations

import pytest

from zoo.harness.load import busy_cores, cores_in_use


def test_load_counts_only_our_processors_and_not_waiting() -> None:
    """Idle and waiting for disks is rest; another processor's work is no concern of ours."""
    before = "cpu 9 9 9 9 9 9 9 9\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 5 5 5 5 5 5 5 5 0 0\nintr 4"
    after = "cpu 9 9 9 9 9 9 9 9\ncpu0 10 5 5 60 10 1 1 8 7 7\ncpu1 105 5 5 5 5 5 5 5 9 9\nintr 4"
    assert busy_cores(before, after, {0}) == pytest.approx(0.30)
    assert busy_cores(before, after, {0, 1}) == pytest.approx(1.30)
    assert busy_cores(before, before, {0, 1}) == 0.0
    assert (cores_in_use(0.0) or 0.0) >= 0.0
