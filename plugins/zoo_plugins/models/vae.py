"""A variational autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor

import zoo
from zoo.generative import MLP
from zoo.polymer import augment
from zoo.polymer.representations import representation


class VAE(zoo.OneShot):
    """An encoder and a decoder, both normal, with all variances learned.

    It draws from its decoder, not the decoder's mean: the spread of bond lengths lives there.
    On internal coordinates two latent numbers explain so little that the best bound ignores
    them (the posterior collapses), and the chain becomes one of independent coordinates; on
    `bonds` they carry information, and bonds are blurred. See `benchmarks/representations.py`.

    Args:
        shape: `(beads, dim)`.
        latent: Size of the latent space.
        coordinates: Representation of a conformation; `None` chooses by dimension.
        width: Units of a hidden layer.

    Reference:
        Kingma & Welling (2014), eq. 10, arXiv:1312.6114.

    Example:
        >>> model = VAE((12, 2))
        >>> sum(p.numel() for p in model.parameters())
        248446
    """

    recipe = zoo.Recipe(learning_rate=2e-3)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        latent: int = 2,
        coordinates: str | None = None,
        width: int = 240,
    ) -> None:
        super().__init__()
        self.latent = latent
        self.coordinates = representation(coordinates, shape)
        size = self.coordinates.size
        self.encoder = MLP(size, 2 * latent, width=width, depth=3)
        self.decoder = MLP(latent, 2 * size, width=width, depth=3)

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def loss(self, x: Tensor) -> Tensor:
        """Negative evidence lower bound per coordinate, up to a constant."""
        z = self.coordinates.encode(augment(x))
        mean, log_std = self.encoder(z).chunk(2, dim=1)
        code = mean + log_std.exp() * torch.randn_like(mean)
        centre, log_spread = self.decoder(code).chunk(2, dim=1)
        misfit = ((z - centre) * (-log_spread).exp()).square() / 2 + log_spread
        divergence = (mean.square() + (2 * log_std).exp() - 1) / 2 - log_std
        return torch.div(misfit.sum() + divergence.sum(), z.numel())

    def encode(self, x: Tensor) -> Tensor:
        """Means of the codes of conformations (n, beads, dim), shape (n, latent)."""
        mean: Tensor = self.encoder(self.coordinates.encode(x)).chunk(2, dim=1)[0]
        return mean

    def decode_mean(self, codes: Tensor) -> Tensor:
        """The middle of what codes (n, latent) are decoded to, shape (n, beads, dim)."""
        centre, _ = self.decoder(codes).chunk(2, dim=1)
        return self.coordinates.decode(centre)

    def draw(self, n: int) -> Tensor:
        """Decode normal codes, and add the decoder's noise."""
        code = torch.randn(n, self.latent, device=self.device)
        centre, log_spread = self.decoder(code).chunk(2, dim=1)
        z = centre + log_spread.exp() * torch.randn_like(centre)
        return augment(self.coordinates.decode(z))
