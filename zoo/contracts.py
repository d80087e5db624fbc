"""What a plugin may be: the abstract classes and records that cross between zoo and plugin.

Conformations are tensors of shape (n, beads, dim), lengths in bead diameters σ, energies in
kT. Time runs from data to noise, stated once: **t = 0 is data, t = 1 is noise**, and
x_t = a(t) x + s(t) e with e a standard normal.

Plugins never seed, print, move devices, or change torch's global state: the harness does.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

Shape = tuple[int, int]
"""`(beads, dim)` of one conformation."""


@dataclass(frozen=True)
class Recipe:
    """How a model wishes to be trained by gradients.

    Args:
        epochs: Passes over the training conformations; `None` takes the budget that all
            models share, which the preset sets.
        batch_size: Conformations per step.
        learning_rate: Peak rate of Adam.
        decay: Whether the rate falls to zero along half a cosine; otherwise it is constant.
        ema: Decay per step of the exponential moving average of the weights that is kept in
            their place; 0 keeps the last weights.
        weight_decay: Decoupled weight decay (AdamW).
    """

    epochs: int | None = None
    batch_size: int = 256
    learning_rate: float = 1e-3
    decay: bool = True
    ema: float = 0.0
    weight_decay: float = 0.0


class Model(nn.Module, ABC):
    """Something that learns conformations.

    Built by `factory(shape, **options)`. With a method `loss(x)` (see `Trainable`) the harness
    trains it by gradients, as its `recipe` says. Whatever must survive saving is a parameter
    or a buffer.
    """

    recipe: ClassVar[Recipe] = Recipe()

    def fit(self, x: Tensor) -> None:
        """See all training conformations once, before the first gradient step.

        The place to set scales, or to fit whatever needs no gradients. Does nothing here.

        Args:
            x: Training conformations, shape (n, beads, dim), in σ.
        """

    def finish(self, x: Tensor) -> None:
        """See all training conformations once more, after the last gradient step.

        The place to correct what has been learned by what it draws now: a temperature, a prior,
        a share that is kept. Gradients are off, the model is in evaluation mode. Does nothing here.

        Args:
            x: Training conformations, shape (n, beads, dim), in σ.
        """

    @property
    def device(self) -> torch.device:
        """Where the model lives: the device of its first parameter or buffer, else the CPU."""
        for tensor in itertools.chain(self.parameters(), self.buffers()):
            return tensor.device
        return torch.device("cpu")


@runtime_checkable
class Trainable(Protocol):
    """A model trained by gradients."""

    def loss(self, x: Tensor) -> Tensor:
        """Mean loss of a batch.

        Args:
            x: Conformations, shape (n, beads, dim), in σ.

        Returns:
            A scalar to be minimised.
        """
        ...


@runtime_checkable
class Density(Protocol):
    """A model with a tractable, normalised density."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density over centred conformations.

        The measure is the volume of the (beads - 1)·dim-dimensional space of conformations
        whose centre of mass is at the origin; a shift of `x` changes nothing.

        Args:
            x: Conformations, shape (n, beads, dim), in σ.

        Returns:
            Natural logarithms, shape (n,), in nats per σ^((beads - 1)·dim).
        """
        ...


@runtime_checkable
class Latent(Protocol):
    """A model with a latent space: conformations go in, and come back without noise."""

    def encode(self, x: Tensor) -> Tensor:
        """Codes of conformations (n, beads, dim), shape (n, size): the mean, where they spread."""
        ...

    def decode_mean(self, codes: Tensor) -> Tensor:
        """The conformations (n, beads, dim) that codes (n, size) stand for, in one pose each."""
        ...


class OneShot(Model):
    """A model that draws conformations in one pass: a VAE, a normalizing flow."""

    @abstractmethod
    def draw(self, n: int) -> Tensor:
        """Draw conformations.

        Args:
            n: How many, at least 1.

        Returns:
            Conformations, shape (n, beads, dim), in σ, on the model's device.
        """


class Coefficients(NamedTuple):
    """Data and noise scales of x_t = a x + s e, and their time derivatives, each of t's shape."""

    a: Tensor
    s: Tensor
    da: Tensor
    ds: Tensor


class Path(Model):
    """A model of the way from noise to data: DDPM, score SDE, flow matching.

    Its noise e is a standard normal, independent of the data: samplers that add noise of their
    own rely on it, and are wrong for a model that pairs its noise with the data.

    Its states are vectors of `size` numbers, standardised so that each has about unit variance
    over the data; `decode` turns them into conformations. Subclass `zoo.generative.Denoiser`
    or `zoo.generative.VelocityField` and give one of the two functions: the other follows.
    """

    size: int
    """Length of a state vector."""

    @abstractmethod
    def coefficients(self, t: Tensor) -> Coefficients:
        """Data scale a and noise scale s at times t in [0, 1], with their derivatives."""

    @abstractmethod
    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Posterior mean E[x | x_t].

        Args:
            x_t: Noisy states, shape (n, size).
            t: One time for all states, shape (), in (0, 1].

        Returns:
            Expected clean states, shape (n, size).
        """

    @abstractmethod
    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Velocity E[dx_t/dt | x_t] of the probability-flow ODE; arguments as in `denoise`."""

    @abstractmethod
    def decode(self, x: Tensor) -> Tensor:
        """Turn clean states, shape (n, size), into conformations, shape (n, beads, dim)."""


@runtime_checkable
class Conditional(Protocol):
    """A path model that can be told an observable of the conformations it is to draw."""

    condition: str | None
    """Name of the observable, see `zoo.polymer.targets`; `None` if it was trained without."""

    def given(self, value: float) -> Path:
        """The path to conformations in which the observable is seen at a value, in σ."""
        ...


M_contra = TypeVar("M_contra", bound=Model, contravariant=True)


class Sampler(ABC, Generic[M_contra]):
    """Turns a trained model into conformations. A frozen dataclass of settings."""

    @abstractmethod
    def sample(self, model: M_contra, n: int) -> Tensor:
        """Draw conformations.

        Args:
            model: A trained model that offers what the sampler's spec needs.
            n: How many, at least 1.

        Returns:
            Conformations, shape (n, beads, dim), in σ.
        """


@dataclass(frozen=True)
class Drawn:
    """What an entry generated, as a metric sees it.

    Args:
        conformations: Shape (n, beads, dim), in σ.
        network_calls: Network calls per conformation (NFE), counted by the harness.
        log_prob: The model's log-density of `conformations`, shape (n,), if it has one.
        test_log_prob: The model's log-density of the test conformations, if it has one.
    """

    conformations: Tensor
    network_calls: float = 1.0
    log_prob: Tensor | None = None
    test_log_prob: Tensor | None = None


@dataclass(frozen=True)
class Data:
    """What a metric compares with.

    Args:
        train: Conformations the models were trained on, shape (n_train, beads, dim), in σ.
        test: Conformations kept from them, shape (n_test, beads, dim), in σ.
        energy: Exact energy of conformations in kT, where the dataset knows it.
        log_prob: Exact log-density (see `Density.log_prob`), where the dataset knows it.
    """

    train: Tensor
    test: Tensor
    energy: Callable[[Tensor], Tensor] | None = None
    log_prob: Callable[[Tensor], Tensor] | None = None


class Metric(ABC):
    """One number from generated and reference conformations. A frozen dataclass of settings."""

    @abstractmethod
    def compute(self, drawn: Drawn, data: Data) -> float:
        """Score `drawn` against `data`; unit, best value and direction are the spec's."""


class Dataset(ABC):
    """Conformations to learn and to be judged by. A frozen dataclass of settings."""

    @abstractmethod
    def split(self) -> tuple[Tensor, Tensor]:
        """Training and test conformations, each (n, beads, dim) in σ; the same at every call."""


class ExactDataset(Dataset):
    """A dataset whose distribution is known: the truth itself can be drawn and evaluated."""

    @abstractmethod
    def fresh(self, n: int) -> Tensor:
        """New independent true conformations, shape (n, beads, dim), from torch's random state."""

    @abstractmethod
    def energy(self, x: Tensor) -> Tensor:
        """Energy of conformations (n, beads, dim), shape (n,), in kT."""

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density in the measure of `Density.log_prob`, shape (n,), in nats."""
