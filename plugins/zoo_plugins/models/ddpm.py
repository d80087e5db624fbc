"""Denoising diffusion, with a choice of what is predicted and of how data turn into noise."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.generative import CosineSchedule, Denoiser, LinearBetaSchedule, Schedule
from zoo.generative.paths import (
    data_from_mean,
    data_from_noise,
    data_from_velocity,
    mean_from_data,
)
from zoo.generative.schedules import ZeroTerminalSchedule
from zoo_plugins.models.networks import ChainPath, choose, squared_error

Predicts = Literal["noise", "data", "velocity", "mean"]
Weighting = Literal["uniform", "min_snr"]
Named = Literal["cosine", "linear", "zero_snr"]


class DDPM(ChainPath, Denoiser):
    """A network that names the noise in a state, or something else that implies it.

    Noise ê, clean data x̂, velocity a ê − s x̂ (the motion per radian of atan(s/a)) and DDPM's
    mean μ̃ of the state one step earlier: any of them gives the others, so all have the same
    optimum. They differ in how much an error counts at each time, and without `skip` in what an
    error of the network becomes on its way to the clean state. See `docs/schedules.md`.

    Args:
        shape: `(beads, dim)`.
        predicts: Whose squared error is the loss: `noise`, `data`, `velocity` or `mean`.
        weighting: `uniform` counts that error the same at all times; `min_snr` counts the error
            of the clean state min(a²/s², 5)-fold, whatever is predicted.
        skip: Whether the network only corrects what normal data would imply; otherwise its
            output is the predicted quantity itself.
        schedule: `cosine`; `linear`, with β from 1e-4 to 0.02; or `zero_snr`, which is `linear`
            stretched until its last state is noise alone.
        steps: Number of steps of β, and the step that `mean` looks back is 1 / steps; not
            used otherwise.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        condition: Observable that `given` can be told, `rg` or `ree`; a fifth of the training
            goes without, so that one network is both paths of classifier-free guidance.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Raises:
        UsageError: If an option has no such value, or noise is to be predicted where a state
            is nothing else.

    Reference:
        Ho et al. (2020), eq. 14, arXiv:2006.11239; Nichol & Dhariwal (2021), arXiv:2102.09672;
        Salimans & Ho (2022), section 4, arXiv:2202.00512; Hang et al. (2023), arXiv:2303.09556.

    Example:
        >>> model = DDPM((12, 2))
        >>> model.size, sum(p.numel() for p in model.parameters())
        (21, 247061)
    """

    recipe = zoo.Recipe(learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        predicts: Predicts = "noise",
        weighting: Weighting = "uniform",
        skip: bool = True,
        schedule: Named = "cosine",
        steps: int = 1000,
        coordinates: str | None = None,
        condition: str | None = None,
        width: int = 320,
        depth: int = 3,
    ) -> None:
        super().__init__(
            shape, coordinates=coordinates, condition=condition, width=width, depth=depth
        )
        choose("predicts", predicts, get_args(Predicts))
        choose("weighting", weighting, get_args(Weighting))
        if predicts == "noise" and schedule == "zero_snr":
            raise UsageError(
                "ddpm[predicts=noise, schedule=zero_snr]: at t = 1 the state is the noise, so "
                "naming it says nothing of the data: (x_t − s ê) / a divides by 0. Predict data, "
                "velocity or mean."
            )
        self.predicts, self.weighting, self.skip = predicts, weighting, skip
        self.steps = steps
        self.schedule = named_schedule(schedule, steps)

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of what is predicted, at uniform random times."""
        data, noise, t, c, state, label = self.noised(x)
        found = self._predicted(state, t, c, label)
        if self.weighting == "uniform":
            return squared_error(found, self._quantity(data, noise, state, t, c))
        weight = (c.a / c.s).square().clamp(max=5)
        return torch.mean(weight * (self._data(found, state, t, c) - data).square())

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean state that the prediction implies."""
        return self.clean(x_t, t, None)

    def clean(self, x_t: Tensor, t: Tensor, label: Tensor | None) -> Tensor:
        """The same, of states whose label is known."""
        c = self._at(t)
        return self._data(self._predicted(x_t, t, c, label), x_t, t, c)

    def _predicted(
        self, x_t: Tensor, t: Tensor, c: zoo.Coefficients, label: Tensor | None
    ) -> Tensor:
        """The predicted quantity: what normal data would imply, corrected by the network.

        With data of unit variance x̂ = a x_t and ê = s x_t, and the network's part is of unit
        variance at all times: it counts in ê as there is data in x_t, and in x̂ as there is
        noise. Without it an error of ê at t = 1 would be divided by a(1) on its way to x̂.
        """
        found: Tensor = self.network(x_t, t, label)
        if not self.skip:
            return found
        return self._quantity(c.a * x_t - c.s * found, c.s * x_t + c.a * found, x_t, t, c)

    def _quantity(
        self, data: Tensor, noise: Tensor, x_t: Tensor, t: Tensor, c: zoo.Coefficients
    ) -> Tensor:
        """What is predicted where these data and this noise make up the state."""
        match self.predicts:
            case "noise":
                return noise
            case "data":
                return data
            case "velocity":
                return c.a * noise - c.s * data
        return mean_from_data(x_t, data, c, self._earlier(t))

    def _data(self, found: Tensor, x_t: Tensor, t: Tensor, c: zoo.Coefficients) -> Tensor:
        """The clean state behind a state and a predicted quantity."""
        match self.predicts:
            case "noise":
                return data_from_noise(x_t, found, c)
            case "data":
                return found
            case "velocity":
                return data_from_velocity(x_t, found, zoo.Coefficients(c.a, c.s, -c.s, c.a))
        return data_from_mean(x_t, found, c, self._earlier(t))

    def _at(self, t: Tensor) -> zoo.Coefficients:
        """Coefficients that fit states (n, size), for times (n,) or ()."""
        return self.schedule(t.unsqueeze(-1))

    def _earlier(self, t: Tensor) -> zoo.Coefficients:
        """Coefficients one step before t, as far as there is a step to go back."""
        return self._at((t - 1 / self.steps).clamp(min=0))


def named_schedule(name: str, steps: int) -> Schedule:
    """The schedule that an option asks for.

    Args:
        name: `cosine`, `linear` or `zero_snr`.
        steps: Number of steps of β, at least 1.

    Raises:
        UsageError: If there is none of that name, or the steps are no number of steps.

    Example:
        >>> named_schedule("linear", 200)
        LinearBetaSchedule(steps=200, first=0.0001, last=0.02)
    """
    choose("schedule", name, get_args(Named))
    if steps < 1:
        raise UsageError(f"ddpm[steps={steps}]: expected a whole number of at least 1.")
    linear = LinearBetaSchedule(steps, first=1e-4, last=0.02)
    choice: dict[str, Schedule] = {"cosine": CosineSchedule(), "linear": linear}
    return choice.get(name) or ZeroTerminalSchedule(linear)
