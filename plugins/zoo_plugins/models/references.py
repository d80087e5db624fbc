"""Reference lines: what no learning, wrong learning and perfect learning would get."""

from __future__ import annotations

import math

import torch
from torch import Tensor

import zoo
from zoo.polymer import augment
from zoo.polymer.coordinates import Rouse
from zoo.polymer.representations import representation


class Truth(zoo.OneShot):
    """Fresh true conformations from the dataset's exact sampler.

    Args:
        shape: `(beads, dim)`; the dataset knows its own.
        dataset: A dataset that offers `fresh`.
    """

    def __init__(self, shape: tuple[int, int], *, dataset: zoo.ExactDataset) -> None:
        super().__init__()
        self.shape = shape
        self.dataset = dataset

    def draw(self, n: int) -> Tensor:
        """New conformations, independent of training and test."""
        return self.dataset.fresh(n).to(self.device)


class Gaussian(zoo.OneShot):
    """A normal distribution over all coordinates, fitted in closed form.

    All orientations being equally likely, it is fitted to conformations turned at random.

    Args:
        shape: `(beads, dim)`.

    Example:
        >>> model = Gaussian((2, 2))
        >>> model.fit(torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]).repeat(100, 1, 1))
        >>> model.draw(3).sum(dim=1).abs().max().item() < 1e-6  # centred
        True
    """

    mean: Tensor
    root: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.modes = Rouse(shape)
        self.register_buffer("mean", torch.zeros(self.modes.size))
        self.register_buffer("root", torch.eye(self.modes.size))

    def fit(self, x: Tensor) -> None:
        """Mean and covariance of the Rouse modes; the latter as its Cholesky root."""
        z = self.modes.encode(torch.cat([augment(x) for _ in range(4)]))
        covariance = torch.cov(z.T) + 1e-6 * torch.eye(self.modes.size, device=z.device)
        self.mean, self.root = z.mean(dim=0), torch.linalg.cholesky(covariance)

    def draw(self, n: int) -> Tensor:
        """Normal modes, as conformations."""
        noise = torch.randn(n, self.modes.size, device=self.device)
        return self.modes.decode(torch.addmm(self.mean, noise, self.root.T))

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        z = self.modes.encode(x) - self.mean
        noise = torch.linalg.solve_triangular(self.root, z.T, upper=False)
        volume = self.root.diagonal().log().sum() + self.modes.size / 2 * math.log(2 * math.pi)
        found: Tensor = self.modes.log_det(x) - volume - noise.square().sum(dim=0) / 2
        return found


class Shuffled(zoo.OneShot):
    """Internal coordinates, each taken from another training chain.

    Every bond length and angle is distributed as in the training set, and no two of them
    know of each other: metrics of single coordinates cannot tell, those of whole chains must.

    Args:
        shape: `(beads, dim)`.
    """

    kept: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.coordinates = representation("internal", shape).inner
        self.register_buffer("kept", torch.zeros(0, self.coordinates.size))

    def fit(self, x: Tensor) -> None:
        """Keep the internal coordinates of all training chains."""
        self.kept = self.coordinates.encode(x)

    def draw(self, n: int) -> Tensor:
        """Chains of coordinates drawn one by one."""
        rows = torch.randint(len(self.kept), (n, self.kept.shape[1]), device=self.device)
        return augment(self.coordinates.decode(self.kept.gather(0, rows)))


class CopyTrain(zoo.OneShot):
    """Training conformations themselves: perfect statistics, nothing learned.

    Args:
        shape: `(beads, dim)`.
    """

    kept: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(0, *shape))

    def fit(self, x: Tensor) -> None:
        """Keep them all."""
        self.kept = x.clone()

    def draw(self, n: int) -> Tensor:
        """Some of them, turned and mirrored at random."""
        rows = torch.randint(len(self.kept), (n,), device=self.device)
        return augment(self.kept[rows])
