"""What the path models share: their states, and the network over them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

import zoo
from zoo.errors import UsageError
from zoo.generative import MLP, Schedule, TimeFeatures
from zoo.generative.guidance import Redirected
from zoo.polymer import augment
from zoo.polymer.representations import representation
from zoo.polymer.targets import OBSERVABLES

Coupling = Callable[[Tensor, Tensor], Tensor]
"""Takes data and noise, each (n, size), and gives the noise in another order."""


DROPPED = 0.2
"""Share of the labels that are left out in training, so that a path is learned without them."""


class Noised(NamedTuple):
    """A training batch part of the way to noise."""

    data: Tensor
    noise: Tensor
    t: Tensor
    coefficients: zoo.Coefficients
    state: Tensor
    label: Tensor | None = None


class ChainPath(zoo.Path):
    """A path whose states are standardised coordinates of a chain.

    Abstract: a model adds its schedule and what its network predicts.

    Args:
        shape: `(beads, dim)`.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        condition: Observable the path can be told, `rg` or `ree`; `None` for no such thing.
        width: Units of a hidden layer.
        depth: Hidden layers.
    """

    schedule: Schedule
    """How data turns into noise."""

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        coordinates: str | None = None,
        condition: str | None = None,
        width: int = 320,
        depth: int = 3,
    ) -> None:
        super().__init__()
        self.coordinates = representation(coordinates, shape)
        self.size = self.coordinates.size
        self.condition = condition
        self.label = None if condition is None else Label(condition)
        labels = 0 if self.label is None else 2
        self.network = ChainNetwork(self.coordinates, width=width, depth=depth, labels=labels)

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))
        if self.label is not None:
            self.label.fit(x)

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the schedule."""
        return self.schedule(t)

    def decode(self, x: Tensor) -> Tensor:
        """Conformations of these states, in any orientation, handedness and direction."""
        return augment(self.coordinates.decode(x))

    @abstractmethod
    def clean(self, x_t: Tensor, t: Tensor, label: Tensor | None) -> Tensor:
        """Posterior mean as `denoise` has it, of states whose label is known."""

    def given(self, value: float) -> zoo.Path:
        """The path to conformations in which the observable is seen at a value.

        Raises:
            UsageError: If the model was not built with a `condition`.
        """
        if self.label is None:
            raise UsageError("this model knows no labels. Train it with the option condition=rg.")
        label = self.label(torch.tensor(value, device=self.device))
        return Redirected(self, lambda x_t, t: self.clean(x_t, t, label))

    def noised(self, x: Tensor, couple: Coupling | None = None) -> Noised:
        """Conformations (n, beads, dim) mixed with noise at uniform random times.

        The noise of each is independent of it, unless `couple` chooses who gets which.
        """
        data = self.coordinates.encode(augment(x))
        noise = torch.randn_like(data)
        if couple is not None:
            noise = couple(data, noise)
        # Random numbers may be 0, where there is no noise to be seen.
        t = torch.rand(len(data), device=data.device).clamp(min=1e-7)
        c = self.schedule(t[:, None])
        label = None if self.label is None else self.label.some(x)
        return Noised(data, noise, t, c, c.a * data + c.s * noise, label)


class Label(nn.Module):
    """An observable as a network is told it: as (1, its standard score), or (0, 0) for nothing.

    Args:
        observable: Its name, see `zoo.polymer.targets`.

    Raises:
        UsageError: If there is none of that name.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, observable: str) -> None:
        super().__init__()
        choose("condition", observable, tuple(OBSERVABLES))
        self.observable = OBSERVABLES[observable]
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def fit(self, x: Tensor) -> None:
        """Set the scale of the observable, of conformations (n, beads, dim)."""
        values = self.observable.of(x)
        self.mean, self.std = values.mean(), values.std()

    def forward(self, values: Tensor) -> Tensor:
        """Labels that say these values, shape (n,), as (n, 2)."""
        scores = (values - self.mean) / self.std
        return torch.stack([torch.ones_like(scores), scores], dim=-1)

    def some(self, x: Tensor) -> Tensor:
        """Labels of conformations (n, beads, dim), each left out with the chance `DROPPED`."""
        labels: Tensor = self(self.observable.seen(x))
        return labels * (torch.rand_like(labels[:, :1]) >= DROPPED)


def squared_error(found: Tensor, expected: Tensor) -> Tensor:
    """Mean over states of the squared error per coordinate, a scalar."""
    return nn.functional.mse_loss(found, expected)


def choose(option: str, value: str, known: tuple[str, ...]) -> None:
    """See that an option has one of its values.

    Raises:
        UsageError: If not.

    Example:
        >>> choose("path", "bent", ("straight", "vp"))
        Traceback (most recent call last):
        zoo.errors.UsageError: path='bent': no such choice. There are: straight, vp.
    """
    if value not in known:
        raise UsageError(f"{option}={value!r}: no such choice. There are: {', '.join(known)}.")


class Spelling(Protocol):
    """What a network must know of its states to see the chains in them."""

    shape: tuple[int, int]
    size: int

    def decode(self, z: Tensor) -> Tensor:
        """Chains (n, beads, dim) that vectors (n, size) stand for."""
        ...


class ChainNetwork(nn.Module):
    """A perceptron over a noisy state, its time, and the pair distances of the chain it spells.

    Which beads overlap is a sharp function of many angles at once, and plain in distances.

    Args:
        coordinates: What the state stands for; used to spell the chain.
        width: Units of a hidden layer.
        depth: Hidden layers.
        labels: Length of the label that it may be given; one of zeros stands for none.
    """

    differences: Tensor

    def __init__(self, coordinates: Spelling, *, width: int, depth: int, labels: int = 0) -> None:
        super().__init__()
        beads, _ = coordinates.shape
        self.coordinates = coordinates
        self.labels = labels
        self.time = TimeFeatures(32)
        first, second = torch.triu_indices(beads, beads, 2)
        one = torch.eye(beads)
        self.register_buffer("differences", (one[first] - one[second]).mT, persistent=False)
        inputs = coordinates.size + 32 + len(first) + labels
        self.mlp = MLP(inputs, coordinates.size, width=width, depth=depth)

    def forward(self, z: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        """Map states (n, size) at times (n,) or (), with labels (n, labels), to (n, size)."""
        _, distances = self.pairs(self.coordinates.decode(z))
        return self.said(z, t, distances, label)

    def pairs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of all pairs at least two bonds apart in chains (n, beads, dim), first minus second.

        Returns:
            Vectors, shape (n, dim, pairs), and their lengths, shape (n, pairs).
        """
        # One product over all components at once is five times as quick as looking beads up.
        apart = (x.mT.flatten(0, 1) @ self.differences).view(len(x), x.shape[2], -1)
        return apart, torch.sqrt(apart.square().sum(dim=1) + 1e-6)

    def said(self, z: Tensor, t: Tensor, distances: Tensor, label: Tensor | None = None) -> Tensor:
        """What the perceptron says of states with these pair distances, at times (n,) or ()."""
        time = self.time(t.reshape(-1)).expand(len(z), -1)
        told = z.new_zeros(len(z), self.labels) if label is None else label.expand(len(z), -1)
        found: Tensor = self.mlp(torch.cat([z, time, distances / 3 - 1, told], dim=1))
        return found
