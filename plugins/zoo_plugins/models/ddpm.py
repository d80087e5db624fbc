"""Denoising diffusion with noise prediction."""

from __future__ import annotations

from torch import Tensor

import zoo
from zoo.generative import CosineSchedule, Denoiser
from zoo.generative.paths import data_from_noise
from zoo_plugins.models.networks import ChainPath, squared_error


class DDPM(ChainPath, Denoiser):
    """A network that names the noise in a state; the last step of its schedule is noise.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Reference:
        Ho et al. (2020), eq. 14, arXiv:2006.11239; Nichol & Dhariwal (2021), arXiv:2102.09672.

    Example:
        >>> model = DDPM((12, 2))
        >>> model.size, sum(p.numel() for p in model.parameters())
        (21, 247061)
    """

    recipe = zoo.Recipe(learning_rate=2e-3)
    schedule = CosineSchedule()

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the noise at uniform random times."""
        _, noise, t, c, state = self.noised(x)
        return squared_error(self._noise(state, t, c), noise)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean state that the predicted noise implies."""
        c = self.coefficients(t)
        return data_from_noise(x_t, self._noise(x_t, t, c), c)

    def _noise(self, x_t: Tensor, t: Tensor, c: zoo.Coefficients) -> Tensor:
        """Predicted noise: the part s x_t that normal data would imply, corrected by a network.

        The correction counts as much as there is data in x_t. Without this an error of the
        network at t = 1 would be divided by a(1) on its way to the clean state.
        """
        found: Tensor = c.s * x_t + c.a * self.network(x_t, t)
        return found
