"""Laws of memory: what the adjoint keeps does not grow with the solver's steps."""

from __future__ import annotations

import pytest
import torch

from benchmarks.adjoint import counted, measured, prepared
from tests.physics import seeded
from zoo.polymer.chain import Chain

X = Chain().sample(32, seeded(0))


def test_adjoint_keeps_as_much_for_many_steps_as_for_one() -> None:
    """Bytes kept are the same for 1 and 6 steps; plain backpropagation keeps six times as many."""
    one, many = prepared(X, 1), prepared(X, 6)
    assert measured(one, X, adjoint=True)[1] == measured(many, X, adjoint=True)[1]
    plain = [measured(model, X, adjoint=False)[1] for model in (one, many)]
    assert plain[1] / plain[0] == pytest.approx(6, rel=0.1)
    assert plain[0] > measured(one, X, adjoint=True)[1]


def test_both_find_the_gradient() -> None:
    """They differ by the solver's error alone: less than a hundredth of it is left by 6 steps."""
    differences = []
    for steps in (1, 6):
        model = prepared(X, steps)
        adjoint, plain = (measured(model, X, adjoint=how)[0] for how in (True, False))
        differences.append(float((adjoint - plain).norm() / plain.norm()))
    assert differences[1] < min(1e-3, differences[0] / 10)


def test_what_autograd_keeps_is_counted_once_and_let_go() -> None:
    """An exponential keeps its result and a square its argument: here 40 bytes, held twice."""
    x = torch.randn(10, generator=seeded(1), requires_grad=True)
    with counted() as kept:
        y = x.exp()
        once = kept.peak
        z = y.square()
        assert kept.peak == once == 40
        z.sum().backward()
        del y, z
        torch.randn(10, generator=seeded(2), requires_grad=True).exp()
    assert kept.peak == 40
