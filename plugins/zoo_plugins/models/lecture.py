"""Two recipes from a lecture course, as lines of record.

Both learn raw aligned coordinates: centred, turned to the principal axes, in σ, not scaled.

Reference:
    Ahn & Kim, Protein & Artificial Intelligence (KAIST, spring 2026), lectures 3 and 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

import zoo
from zoo.generative import Denoiser, LinearBetaSchedule
from zoo.generative.paths import data_from_noise
from zoo.polymer import align


class LectureVAE(zoo.OneShot):
    """The lecture's VAE: latent 2, β = 0.01, squared error, and samples that are means.

    Args:
        shape: `(beads, dim)`.

    Reference:
        Ahn & Kim (2026), lecture 3; Higgins et al. (2017) for β.

    Example:
        >>> sum(p.numel() for p in LectureVAE((12, 2)).parameters())
        277532
    """

    recipe = zoo.Recipe(epochs=150, batch_size=256, learning_rate=1e-3, decay=False)

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape
        size = shape[0] * shape[1]
        self.encoder = _relu_layers(size, 4)
        self.decoder = _relu_layers(2, size)

    def loss(self, x: Tensor) -> Tensor:
        """Squared error summed over coordinates, and 0.01 of the divergence."""
        data = align(x).flatten(1)
        mean, log_variance = self.encoder(data).chunk(2, dim=1)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        misfit = nn.functional.mse_loss(self.decoder(code), data, reduction="sum")
        divergence = torch.sum(mean.square() + log_variance.exp() - 1 - log_variance) / 2
        return torch.div(misfit + 0.01 * divergence, len(x))

    def encode(self, x: Tensor) -> Tensor:
        """Means of the codes of conformations (n, beads, dim), shape (n, 2)."""
        mean: Tensor = self.encoder(align(x).flatten(1)).chunk(2, dim=1)[0]
        return mean

    def decode_mean(self, codes: Tensor) -> Tensor:
        """What codes (n, 2) are decoded to, shape (n, beads, dim)."""
        found: Tensor = self.decoder(codes)
        return found.view(-1, *self.shape)

    def draw(self, n: int) -> Tensor:
        """Decode normal codes to their means."""
        return self.decode_mean(torch.randn(n, 2, device=self.device))


class LectureDDPM(Denoiser):
    """The lecture's DDPM: 200 steps, linear β from 1e-4 to 0.02, noise prediction.

    Its last ᾱ is 0.13: the noise it learns to undo still holds a third of the data's
    amplitude, while sampling starts from pure noise. `ancestral[steps=200]` is its published
    sampler.

    Args:
        shape: `(beads, dim)`.

    Reference:
        Ahn & Kim (2026), lecture 4; Ho et al. (2020), arXiv:2006.11239.

    Example:
        >>> sum(p.numel() for p in LectureDDPM((12, 2)).parameters())
        160536
    """

    recipe = zoo.Recipe(epochs=200, batch_size=256, learning_rate=1e-3, decay=False)
    steps = 200

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape
        self.size = shape[0] * shape[1]
        self.schedule = LinearBetaSchedule(self.steps, first=1e-4, last=0.02)
        self.network = _relu_layers(self.size + 64, self.size)

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the linear schedule; its step k is t = (k + 1) / 200."""
        return self.schedule(t)

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the noise at random steps."""
        data = align(x).flatten(1)
        step = torch.randint(self.steps, (len(data),), device=data.device)
        noise = torch.randn_like(data)
        c = self.schedule((step[:, None] + 1) / self.steps)
        return nn.functional.mse_loss(self._noise(c.a * data + c.s * noise, step), noise)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean state that the predicted noise implies."""
        noise = self._noise(x_t, (t * self.steps - 1).expand(len(x_t)))
        return data_from_noise(x_t, noise, self.coefficients(t))

    def decode(self, x: Tensor) -> Tensor:
        """The same numbers, bead by bead."""
        return x.view(-1, *self.shape)

    def _noise(self, x_t: Tensor, step: Tensor) -> Tensor:
        """The network: states beside 64 sines and cosines of the step."""
        waves = torch.exp(-math.log(10_000) * torch.arange(32, device=x_t.device) / 32)
        phases = step[:, None] * waves
        found: Tensor = self.network(torch.cat([x_t, phases.sin(), phases.cos()], dim=1))
        return found


def _relu_layers(inputs: int, outputs: int) -> nn.Sequential:
    """Three hidden layers of 256 units with ReLU."""
    return nn.Sequential(
        *(nn.Linear(inputs, 256), nn.ReLU()),
        *(nn.Linear(256, 256), nn.ReLU()),
        *(nn.Linear(256, 256), nn.ReLU()),
        nn.Linear(256, outputs),
    )
