"""The steering stage: how a trained path can be led to where an observable has a wanted value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import Conditional, Model, Recipe, Sampler
from zoo.contracts import Path as Walk
from zoo.errors import PluginError
from zoo.generative.guidance import Regressor
from zoo.harness.aims import REGRESSOR_FILE, Steer
from zoo.harness.data import save_tensors, seed_everything
from zoo.harness.sampling import build_sampler
from zoo.harness.stages import WEIGHTS_FILE, Tell
from zoo.harness.training import restore_model, train
from zoo.polymer.targets import OBSERVABLES

STATES = 20_000
"""Clean states that a regressor learns from. They are the model's own: whoever wrote it need not
say how conformations become states."""


def steer_stage(stage: Steer, folder: Path, tell: Tell) -> dict[str, Any]:
    """Run a `Steer` stage: a regressor has the budget that models share.

    Raises:
        PluginError: If the model has no path.
    """
    seed_everything("steer", stage.train.seed)
    model = restore_model(stage.train, stage.trained.folder / WEIGHTS_FILE)
    if not isinstance(model, Walk):
        raise PluginError(f"a {type(model).__name__} draws in one pass: there is nothing to steer.")
    if isinstance(model, Conditional) and model.condition == stage.observable:
        return {"method": "classifier-free"}
    rows = own_states(model, build_sampler(stage.sampler), stage)
    regressor = Regressor(model.size, OBSERVABLES[stage.observable].blur)
    losses = train(Regression(model, regressor).to(model.device), rows, stage.train.epochs, tell)
    save_tensors(folder / REGRESSOR_FILE, dict(regressor.state_dict()))
    return {"method": "classifier", "losses": losses}


def own_states(model: Walk, sampler: Sampler[Any], stage: Steer) -> Tensor:
    """Clean states that a sampler's walks end in, and the observable of their conformations.

    Returns:
        Rows of a state and a value in σ, shape (n, size + 1).
    """
    states: list[Tensor] = []
    decode, observable = model.decode, OBSERVABLES[stage.observable]

    def watched(x: Tensor) -> Tensor:
        states.append(x)
        return decode(x)

    object.__setattr__(model, "decode", watched)
    with torch.no_grad():
        drawn = [sampler.sample(model, stage.batch) for _ in range(max(1, STATES // stage.batch))]
    object.__delattr__(model, "decode")
    return torch.cat([torch.cat(states), observable.of(torch.cat(drawn))[:, None]], dim=1)


class Regression(Model):
    """How a regressor learns from clean states, with the training loop of the models.

    What `fit` and `loss` take are rows of a clean state and its label, shape (n, size + 1).

    Args:
        path: Turns states into noise; it is not trained.
        regressor: Learns.
    """

    recipe = Recipe(batch_size=512, learning_rate=2e-3)

    def __init__(self, path: Walk, regressor: Regressor) -> None:
        super().__init__()
        self.regressor = regressor
        self._coefficients = path.coefficients  # not the path itself, or it would be trained

    def fit(self, x: Tensor) -> None:
        """Set the scale of the labels."""
        self.regressor.fit(x[:, -1])

    def loss(self, x: Tensor) -> Tensor:
        """Mean negative log-likelihood of blurred labels, at uniform random times."""
        states, values = x[:, :-1], x[:, -1]
        c = self._coefficients(torch.rand(len(x), 1, device=x.device).clamp(min=1e-7))
        noisy = c.a * states + c.s * torch.randn_like(states)
        labels = values + self.regressor.blur * torch.randn_like(values)
        return -self.regressor.log_prob(noisy, c, labels).mean()
