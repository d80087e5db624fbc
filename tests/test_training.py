"""Laws of the training loop, against loops and formulas written out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.contracts import Model
from zoo.errors import PluginError
from zoo.harness.data import load_training, save_tensors
from zoo.harness.training import train


class Parabola(Model):
    """One number w, drawn to the mean of a batch; keeps a record of what happened.

    Args:
        recipe: Settings of its recipe.
    """

    def __init__(self, **recipe: Any) -> None:
        super().__init__()
        self.recipe = zoo.Recipe(**recipe)  # type: ignore[misc]
        self.w = nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
        self.batches: list[Tensor] = []
        self.losses: list[float] = []

    def loss(self, x: Tensor) -> Tensor:
        """(w − mean)²."""
        loss = (self.w - x.mean()).square()
        self.batches.append(x)
        self.losses.append(loss.item())
        return loss


def numbers(n: int) -> Tensor:
    """Chains of one bead on a line, at 0, 1, …, n − 1."""
    return torch.arange(n, dtype=torch.float64).view(n, 1, 1)


def by_hand(batches: list[Tensor], recipe: zoo.Recipe) -> list[float]:
    """W after each step of Adam on these batches, as Kingma & Ba and Loshchilov & Hutter say."""
    w, first, second, path = 3.0, 0.0, 0.0, []
    for k, x in enumerate(batches):
        rate = recipe.learning_rate
        if recipe.decay:
            rate *= (1 + math.cos(math.pi * k / len(batches))) / 2
        slope = 2 * (w - x.mean().item())
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        step = first / (1 - 0.9 ** (k + 1))
        step /= math.sqrt(second / (1 - 0.999 ** (k + 1))) + 1e-8
        w -= rate * recipe.weight_decay * w + rate * step
        path.append(w)
    return path


@pytest.mark.parametrize(
    "recipe",
    [
        {"learning_rate": 0.3},
        {"learning_rate": 0.3, "decay": False},
        {"learning_rate": 0.1, "weight_decay": 0.4},
    ],
)
def test_steps_are_those_of_adam(recipe: dict[str, Any]) -> None:
    """The last weight is that of Adam by hand: half a cosine from the peak rate to zero."""
    torch.manual_seed(0)
    model = Parabola(batch_size=4, **recipe)
    train(model, numbers(12), 5)
    assert len(model.batches) == 15
    assert model.w.item() == pytest.approx(by_hand(model.batches, model.recipe)[-1], rel=1e-9)


def test_the_same_seed_trains_the_same_weights() -> None:
    """And another seed meets the data in another order, and ends elsewhere."""
    ends = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = Parabola(batch_size=4, learning_rate=0.3)
        train(model, numbers(12), 5)
        ends.append(model.w.item())
    assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize("ema", [0.5, 0.99])
def test_kept_weights_are_the_running_average(ema: float) -> None:
    """With `ema` the weights kept are ā ← d ā + (1 − d) w, warming up: d = min(ema, n/(n + 9)).

    The descent itself does not know of the average.
    """
    torch.manual_seed(0)
    model = Parabola(batch_size=4, learning_rate=0.3, ema=ema)
    train(model, numbers(12), 5)
    average = 3.0
    for n, w in enumerate(by_hand(model.batches, model.recipe), start=1):
        decay = min(ema, n / (n + 9))
        average = decay * average + (1 - decay) * w
    assert model.w.item() == pytest.approx(average, rel=1e-9)


def test_an_epoch_meets_every_conformation_once() -> None:
    """Batches of an epoch share nothing and cover all; the order changes between epochs."""
    torch.manual_seed(0)
    model = Parabola(batch_size=4)
    train(model, numbers(12), 2)
    epochs = torch.cat(model.batches).flatten().view(2, 12)
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(12))
    assert epochs[0].tolist() != epochs[1].tolist()


@pytest.mark.parametrize(("n", "sizes"), [(3, [3]), (11, [4, 4]), (4, [4])])
def test_batches_are_full_or_the_whole_of_few_data(n: int, sizes: list[int]) -> None:
    """A batch is as large as the recipe says or as the data are; what is left over waits."""
    model = Parabola(batch_size=4)
    assert len(train(model, numbers(n), 3)) == 3
    assert [len(x) for x in model.batches] == sizes * 3


def test_losses_are_means_over_an_epoch() -> None:
    """What is returned, and told once per epoch, is the mean of the losses of its steps."""
    torch.manual_seed(0)
    model, told = Parabola(batch_size=4, learning_rate=0.3), list[dict[str, Any]]()
    losses = train(model, numbers(12), 4, told.append)
    means = torch.tensor(model.losses, dtype=torch.float64).view(4, 3).mean(1).tolist()
    assert losses == pytest.approx(means, rel=1e-6)
    assert told == [{"done": k + 1, "total": 4, "loss": losses[k]} for k in range(4)]


def test_fit_comes_first_and_without_gradients() -> None:
    """`fit` sees all data before the first step, in training mode; afterwards it is over."""
    seen: list[tuple[int, bool, bool, int]] = []

    class Scaled(Parabola):
        def fit(self, x: Tensor) -> None:
            seen.append((len(x), torch.is_grad_enabled(), self.training, len(self.batches)))

    model = Scaled(batch_size=4)
    train(model, numbers(11), 1)
    assert seen == [(11, False, True, 0)]
    assert not model.training


def test_frozen_parameters_stay() -> None:
    """A model all of whose parameters are frozen is fitted and not trained."""
    model = Parabola()
    model.w.requires_grad_(False)
    assert train(model, numbers(12), 3) == []
    assert model.w.item() == 3
    assert model.batches == []


def test_parameters_without_a_loss_are_an_error() -> None:
    """Nobody would train them; the error says what to do."""

    class Idle(Model):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

    with pytest.raises(PluginError, match=r"model Idle has parameters but no loss\(x\).*buffers"):
        train(Idle(), numbers(12), 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_run(bad: float) -> None:
    """In the epoch that the error names, here at its last step; nothing is told of it."""

    class Diverging(Parabola):
        def loss(self, x: Tensor) -> Tensor:
            loss = super().loss(x)
            return loss * bad if len(self.batches) == 9 else loss

    told: list[dict[str, Any]] = []
    with pytest.raises(PluginError, match=rf"loss of Diverging is {bad} in epoch 3 of 9"):
        train(Diverging(batch_size=4), numbers(12), 9, told.append)
    assert [one["done"] for one in told] == [1, 2]


def test_training_has_the_training_conformations_alone(tmp_path: Path) -> None:
    """What a model is trained on is a copy: nothing of the test conformations lies behind it."""
    train_x, test_x = torch.randn(5, 4, 2), torch.randn(7, 4, 2)
    save_tensors(tmp_path / "data", {"train": train_x, "test": test_x})
    before = (tmp_path / "data").read_bytes()
    x = load_training(tmp_path / "data")
    assert torch.equal(x, train_x)
    assert x.untyped_storage().nbytes() == x.numel() * x.element_size()
    x.zero_()
    assert (tmp_path / "data").read_bytes() == before


def test_a_model_sees_the_data_again_when_it_has_been_trained() -> None:
    """Once, after the last step, without gradients and in evaluation mode."""
    seen: list[tuple[int, int, bool, bool]] = []

    class Calibrated(Parabola):
        def finish(self, x: Tensor) -> None:
            """Note when this happens."""
            seen.append((len(x), len(self.batches), torch.is_grad_enabled(), self.training))

    train(Calibrated(batch_size=2), numbers(4), epochs=3)
    assert seen == [(4, 6, False, False)]
