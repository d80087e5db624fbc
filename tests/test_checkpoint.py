"""Laws of checkpoints: a training that was interrupted ends as one that was not, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.contracts import Model, OneShot, Recipe
from zoo.harness.checkpoint import Checkpoints
from zoo.harness.data import seed_everything
from zoo.harness.training import train
from zoo.polymer.chain import Chain
from zoo.registry import discover

EPOCHS = 4


class Stop(Exception):  # noqa: N818 - no error, the end
    """Where a training is interrupted."""


class Moody(OneShot):
    """Uses every random state, averages its weights, and has a buffer that is not saved."""

    recipe = Recipe(batch_size=16, ema=0.9, weight_decay=0.1)
    seen: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.layer = nn.Linear(shape[0] * shape[1], 3)
        self.frozen = nn.Parameter(torch.ones(()), requires_grad=False)
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def fit(self, x: Tensor) -> None:
        """Set what no buffer holds."""
        self.scale = float(x.std()) + random.gauss(0, 1)

    def loss(self, x: Tensor) -> Tensor:
        """Depend on chance of three kinds, and on how often it was asked."""
        self.seen += 1
        noise = torch.randn(()) + float(np.random.normal()) + random.gauss(0, 1)
        z: Tensor = self.layer(x.flatten(1)) / self.scale
        return (z - noise).square().mean() + 0.01 * z.mean() * self.seen * self.frozen

    def draw(self, n: int) -> Tensor:
        """Nothing of interest."""
        return torch.zeros(n, 4, 2)


Build = Callable[[tuple[int, int]], Model]
Ended = tuple[dict[str, Tensor], list[float]]
"""Parameters and buffers of a trained model, and the losses on the way."""


def attempt(build: Build, x: Tensor, stop: int, checkpoints: Checkpoints | None) -> Ended | None:
    """What a training ends with; nothing if it is stopped in the epoch after `stop`."""
    seed_everything("train", 0)
    model = build((x.shape[1], x.shape[2]))

    def tell(message: dict[str, float]) -> None:
        if message["done"] > stop:
            raise Stop

    try:
        losses = train(model, x, EPOCHS, tell, checkpoints)
    except Stop:
        random.gauss(0, 1), np.random.normal(), torch.randn(7)  # another process, another state
        return None
    return dict(model.named_parameters()) | dict(model.named_buffers()), losses


def assert_same(build: Build, x: Tensor, folder: Path, stops: list[int]) -> None:
    """An undisturbed training, and one that was stopped so often, end with the same bits."""
    expected = attempt(build, x, EPOCHS, None)
    assert expected
    for stop in stops:
        assert attempt(build, x, stop, Checkpoints(folder, 0.0, "cpu")) is None
    found = attempt(build, x, EPOCHS, Checkpoints(folder, 0.0, "cpu"))
    assert found
    assert found[1] == expected[1]
    assert all(torch.equal(found[0][name], one) for name, one in expected[0].items())


@pytest.mark.parametrize("stops", [[0], [1], [3], [1, 2, 3], [2, 2]])
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    tmp_path: Path, stops: list[int]
) -> None:
    """Wherever and however often it stops: the same weights, buffers and losses, to the bit."""
    assert_same(Moody, torch.randn(50, 4, 2), tmp_path, stops)


def trained_models() -> list[str]:
    """The models of ours that are trained by gradients, but for the slow ones."""
    listings = discover(first_party_only=True).of("model")
    return [it.spec.name for it in listings if not it.spec.reference and not it.spec.slow]


@pytest.mark.parametrize("name", trained_models())
def test_our_models_keep_all_they_need_in_tensors(tmp_path: Path, name: str) -> None:
    """The law holds for every model of the catalogue."""
    choice = discover(first_party_only=True).find("model", name)
    assert_same(choice.build, Chain(beads=5).sample(40), tmp_path, [1])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_damaged_checkpoint_counts_for_nothing(tmp_path: Path, share: float) -> None:
    """Where any byte of it is another one, training begins anew and ends the same."""
    x = torch.randn(50, 4, 2)
    assert attempt(Moody, x, 2, Checkpoints(tmp_path, 0.0, "cpu")) is None
    (path,) = tmp_path.iterdir()
    raw = bytearray(path.read_bytes())
    raw[int(share * len(raw))] ^= 1
    path.write_bytes(raw)
    assert_same(Moody, x, tmp_path, [])


def test_time_is_counted_over_all_attempts(tmp_path: Path) -> None:
    """A training that goes on has taken what it took before as well."""
    x = torch.randn(50, 4, 2)
    seed_everything("train", 0)
    train(Moody((4, 2)), x, 1, checkpoints=Checkpoints(tmp_path, 0.0, "cpu"))
    later = Checkpoints(tmp_path, 0.0, "cpu")
    assert later.spent == 0
    train(Moody((4, 2)), x, 2, checkpoints=later)
    assert 0 < later.spent < later.seconds
