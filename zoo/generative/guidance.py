"""Guidance: paths that are steered to where a label has a wanted value.

By Bayes' rule the score of the states with label y is that of all states, and ∇ log p(y | x_t)
beside it; in terms of posterior means, x̂(y) = x̂ + (s²/a) ∇ log p(y | x_t). With a scale the
second term counts several times, and y is insisted on beyond its own probability. That gradient
is known in two ways: by a classifier, here a regressor, since y is a number; or without one, as
the difference between a conditional and an unconditional posterior mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from zoo.contracts import Coefficients, Path
from zoo.generative.nets import MLP, TimeFeatures
from zoo.generative.paths import Denoiser


class Redirected(Denoiser):
    """A path with another posterior mean: same states, same coefficients, same decoder.

    Args:
        path: The path.
        clean: Takes states (n, size) and a time () to the posterior mean that is to be used.

    Example:
        See `classifier_free` and `classifier_guided`, which make them.
    """

    def __init__(self, path: Path, clean: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.path = path
        self.size = path.size
        self._clean = clean

    def coefficients(self, t: Tensor) -> Coefficients:
        """Those of the path."""
        return self.path.coefficients(t)

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The other posterior mean."""
        return self._clean(x_t, t)

    def decode(self, x: Tensor) -> Tensor:
        """As the path does."""
        return self.path.decode(x)


LOUD = 0.3
"""Noise over data, s/a, above which guidance does not insist: there its scale is 1."""


def classifier_free(path: Path, given: Path, scale: float) -> Path:
    """Steer by the difference between what a model says with and without the label.

    Args:
        path: The unconditional path.
        given: The same, conditional on the label; with a scale of 1 the only one that is asked.
        scale: How often the difference counts where s/a ≤ `LOUD`.

    Reference:
        Ho & Salimans (2022), eq. 6 with w = scale − 1, arXiv:2207.12598; for the interval
        Kynkäänniemi et al. (2024), arXiv:2404.07724.
    """

    def clean(x_t: Tensor, t: Tensor) -> Tensor:
        strength = _strength(path.coefficients(t), scale)
        if strength == 1:
            return given.denoise(x_t, t)
        return torch.lerp(path.denoise(x_t, t), given.denoise(x_t, t), strength)

    return Redirected(path, clean)


def classifier_guided(path: Path, regressor: Regressor, value: float, scale: float) -> Path:
    """Steer by the gradient of a regressor that sees noisy states.

    Args:
        path: The unconditional path.
        regressor: Trained on states of this path.
        value: Label that is wanted.
        scale: How often the gradient counts where s/a ≤ `LOUD`.

    Reference:
        Dhariwal & Nichol (2021), section 4, arXiv:2105.05233; for the posterior mean, Chung et
        al. (2023), eq. 10, arXiv:2209.14687; for the interval as in `classifier_free`.
    """

    def clean(x_t: Tensor, t: Tensor) -> Tensor:
        c = path.coefficients(t)
        return path.denoise(x_t, t) + _strength(c, scale) * regressor.pull(x_t, c, value)

    return Redirected(path, clean)


def _strength(c: Coefficients, scale: float) -> float:
    """How often the label counts at one time."""
    return scale if bool(c.s <= LOUD * c.a) else 1.0


class Regressor(nn.Module):
    """What noisy states say of the label of their clean state: a normal distribution of it.

    Its network sees states at unit variance and the angle of noise and data instead of the time,
    so that it has the same question to answer on every path. What depends on the state counts as
    there is data in it: near pure noise the answer is the labels' own distribution.

    Args:
        size: Length of a state.
        blur: Standard deviation of the blur through which labels are seen: no state, however
            clean, tells them more precisely.
        width: Units of a hidden layer.
        depth: Hidden layers.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: int, blur: float, *, width: int = 256, depth: int = 3) -> None:
        super().__init__()
        self.blur = blur
        self.time = TimeFeatures(32)
        self.network = MLP(size + 32, 2, width=width, depth=depth)
        self.level = MLP(32, 2, width=32, depth=1)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def fit(self, labels: Tensor) -> None:
        """Set the scale of labels, shape (n,)."""
        self.mean, self.std = labels.mean(), labels.std()

    def log_prob(self, x_t: Tensor, c: Coefficients, labels: Tensor) -> Tensor:
        """Log-density of labels, up to a constant.

        Args:
            x_t: Noisy states, shape (n, size).
            c: Coefficients at their times, each of shape (n, 1) or ().
            labels: Shape (n,) or ().

        Returns:
            Natural logarithms, shape (n,).
        """
        r = torch.sqrt(c.a.square() + c.s.square())
        angle = torch.atan2(c.s, c.a).flatten() * (2 / math.pi)
        time = self.time(angle).expand(len(x_t), -1)
        seen = self.network(torch.cat([x_t / r, time], dim=1))
        mean, log_spread = (self.level(time) + c.a / r * seen).unbind(dim=1)
        variance = (self.blur / self.std).square() + torch.exp(2 * log_spread)
        far = (labels - self.mean) / self.std - mean
        found: Tensor = -(far.square() / variance + variance.log()) / 2
        return found

    def pull(self, x_t: Tensor, c: Coefficients, value: float) -> Tensor:
        """By how much a wanted label moves the posterior mean, (s²/a) ∇ log p, shape (n, size).

        Args:
            x_t: Noisy states, shape (n, size).
            c: Coefficients at one time, each of shape ().
            value: The label.
        """
        c = c._replace(a=c.a.clamp(min=1e-4))  # both the gradient and what divides it go as a
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            found = self.log_prob(x, c, x.new_tensor(value))
            (gradient,) = torch.autograd.grad(found.sum(), x)
        moved: Tensor = c.s.square() / c.a * gradient
        return moved
