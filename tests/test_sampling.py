"""Laws of the counting of network calls."""

from __future__ import annotations

import torch
from torch import Tensor

import zoo
from zoo.conformance.gaussian import NormalPath
from zoo.generative import CosineSchedule
from zoo.harness.sampling import CallCounter
from zoo_plugins.samplers.dpmpp import DPMSolver


class Walker(zoo.OneShot):
    """Draws by the steps of a path inside, half of them in vain."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.path = NormalPath(CosineSchedule())
        self.solver = DPMSolver(steps)

    def draw(self, n: int) -> Tensor:
        """Every other walk."""
        return self.solver.sample(self.path, 2 * n)[::2]


class Thrower(zoo.OneShot):
    """Draws by itself; the path inside is not asked."""

    def __init__(self) -> None:
        super().__init__()
        self.path = NormalPath(CosineSchedule())

    def draw(self, n: int) -> Tensor:
        """Nothing but zeros."""
        return torch.zeros(n, 3, 2)


def test_calls_of_a_model_inside_are_those_that_count() -> None:
    """Each row that passes through a network is one, whether it is kept or not."""
    model = Walker(steps=7)
    counter = CallCounter(model)
    model.draw(10)
    assert counter.rows == 2 * 10 * 7


def test_a_model_that_draws_by_itself_makes_one_call() -> None:
    """Whatever else there is inside."""
    model = Thrower()
    counter = CallCounter(model)
    model.draw(10)
    assert counter.rows == 10


def test_a_velocity_that_asks_for_the_posterior_mean_is_one_call() -> None:
    """Both are functions of one model."""
    model = NormalPath(CosineSchedule())
    counter = CallCounter(model)
    model.velocity(torch.zeros(10, model.size), torch.tensor(0.5))
    assert counter.rows == 10
