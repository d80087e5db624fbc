"""Latent diffusion: a variational autoencoder, and a path from noise to its codes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import UsageError
from zoo.generative import MLP, CosineSchedule, Denoiser
from zoo.generative.paths import data_from_noise
from zoo.polymer import augment
from zoo.polymer.representations import representation
from zoo_plugins.models.networks import ChainNetwork, squared_error


class LatentDDPM(Denoiser):
    """Denoising diffusion of the codes of an autoencoder that is trained beside it.

    The path replaces the normal prior of a VAE, which its codes never quite follow. Both learn
    at once: the autoencoder by its evidence bound, the path by noise prediction on codes that
    pass it no gradient back. States are codes at unit variance, and `decode` draws from the
    decoder. The path's network sees the chain that the decoder makes of a noisy code.

    Args:
        shape: `(beads, dim)`.
        latent: Size of the latent space; `None` takes beads·(dim − 1), just above the number of
            angles of a chain. With fewer than vary by more than the resolution, some have
            nowhere to go.
        resolution: Spread of the decoder in σ and radians, or a coordinate's own where that is
            less.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        width: Units of a hidden layer of the autoencoder; those of the path are twice as wide.

    Raises:
        UsageError: If `latent` or `resolution` is not above 0.

    Reference:
        Rombach et al. (2022), arXiv:2112.10752; Vahdat et al. (2021), arXiv:2106.05931.

    Example:
        >>> model = LatentDDPM((12, 2))
        >>> model.size, sum(p.numel() for p in model.parameters())
        (12, 236601)
    """

    recipe = zoo.Recipe(learning_rate=2e-3)
    schedule = CosineSchedule()

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        latent: int | None = None,
        resolution: float = 0.1,
        coordinates: str | None = None,
        width: int = 128,
    ) -> None:
        super().__init__()
        beads, dim = shape
        self.size = beads * (dim - 1) if latent is None else latent
        if self.size < 1 or not resolution > 0:
            raise UsageError(
                f"latent-ddpm[latent={latent}, resolution={resolution}]: expected both above 0, "
                "or there is no code, or no end to it."
            )
        self.codes = Autoencoder(shape, self.size, resolution, coordinates, width)
        self.network = ChainNetwork(self.codes, width=2 * width, depth=3)

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.codes.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """The autoencoder's bound per coordinate, and the square error of the path's noise."""
        bound, data = self.codes.bound(augment(x))
        noise = torch.randn_like(data)
        t = torch.rand(len(data), device=data.device)
        c = self.coefficients(t[:, None])
        return bound + squared_error(self._noise(c.a * data + c.s * noise, t), noise)

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the cosine schedule."""
        return self.schedule(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean code that the predicted noise implies."""
        return data_from_noise(x_t, self._noise(x_t, t), self.coefficients(t))

    def decode(self, x: Tensor) -> Tensor:
        """Conformations that the decoder draws for these states."""
        return augment(self.codes.draw(x))

    def _noise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predicted noise: what normal codes would imply, corrected by a network."""
        c = self.coefficients(t.unsqueeze(-1))
        found: Tensor = c.s * x_t + c.a * self.network(x_t, t)
        return found


class Autoencoder(nn.Module):
    """A variational autoencoder whose decoder has a fixed resolution.

    The resolution decides what is worth a place in the code: what varies by more. On internal
    coordinates these are the turning angles, while bond lengths, which vary by 0.1 σ and depend
    on nothing, are the decoder's noise. Were that noise learned, as in `vae`, normal numbers
    would cost in the code what they save in the decoder, and codes would stay empty.

    Args:
        shape: `(beads, dim)`.
        size: Length of a code.
        resolution: Spread of the decoder in σ and radians, at most that of a coordinate.
        coordinates: Representation of a conformation.
        width: Units of a hidden layer.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        shape: tuple[int, int],
        size: int,
        resolution: float,
        coordinates: str | None,
        width: int,
    ) -> None:
        super().__init__()
        self.shape, self.size, self.resolution = shape, size, resolution
        self.coordinates = representation(coordinates, shape)
        self.encoder = MLP(self.coordinates.size, 2 * size, width=width, depth=3)
        self.decoder = MLP(size, self.coordinates.size, width=width, depth=3)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def bound(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What is to be minimised for conformations, and their codes at unit variance.

        Args:
            x: Conformations, shape (n, beads, dim), in σ.

        Returns:
            Negative evidence bound per coordinate up to a constant, shape (); and codes,
            shape (n, size), which pass no gradient on.
        """
        z = self.coordinates.encode(x)
        mean, log_std = self.encoder(z).chunk(2, dim=1)
        log_std = log_std - 2  # narrow before training, or noise would drown the codes
        code = mean + log_std.exp() * torch.randn_like(mean)
        misfit = ((z - self.decoder(code)) / self.spread).square() / 2
        divergence = (mean.square() + (2 * log_std).exp() - 1) / 2 - log_std
        return (misfit.sum() + divergence.sum()) / z.numel(), self._standard(code.detach())

    def decode(self, z: Tensor) -> Tensor:
        """The chain in the middle of what the decoder draws; gradients reach the codes alone."""
        return self.coordinates.decode(self._centre(z))

    def draw(self, z: Tensor) -> Tensor:
        """Chains (n, beads, dim) that the decoder draws for codes (n, size) of unit variance."""
        centre = self._centre(z)
        return self.coordinates.decode(centre + self.spread * torch.randn_like(centre))

    @property
    def spread(self) -> Tensor:
        """Standard deviations of the decoder, in those of the coordinates."""
        return (self.resolution / self.coordinates.std).clamp(max=1)

    def _standard(self, code: Tensor) -> Tensor:
        """Codes at unit variance; while the encoder learns they move, and the scales follow."""
        if self.training:
            self.mean = self.mean.lerp(code.mean(dim=0), 0.01)
            self.std = self.std.lerp(code.std(dim=0), 0.01)
        return (code - self.mean) / self.std

    def _centre(self, z: Tensor) -> Tensor:
        """Means of the decoder, for codes at unit variance."""
        fixed = {name: p.detach() for name, p in self.decoder.named_parameters()}
        code = self.mean + self.std * z
        found: Tensor = torch.func.functional_call(self.decoder, fixed, (code,))
        return found
