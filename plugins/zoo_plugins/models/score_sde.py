"""Score-based diffusion: three SDEs that turn data into noise, and a network of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

import zoo
from zoo.errors import UsageError
from zoo.generative import Denoiser, Schedule, SubVPSchedule, VESchedule, VPSchedule
from zoo.generative.divergence import random_signs, unit_vectors
from zoo.generative.likelihood import flow_log_prob
from zoo.polymer import augment, turn_at_random
from zoo.polymer.representations import Standardized, representation
from zoo_plugins.models.networks import ChainNetwork

SDES: Mapping[str, Schedule] = {
    "vp": VPSchedule(),
    "ve": VESchedule(),
    "subvp": SubVPSchedule(),
}
"""How data turn into noise, by name."""

NODES = 16
"""Where `log_prob` takes the divergence. Twice as many change its mean by 0.002 nats; with half as
many, fewer than the network's time features need, it would be off by 0.02."""


class ScorePath(Denoiser):
    """A network of scores ∇ log p(x_t), learned by denoising score matching.

    Args:
        coordinates: What a state stands for.
        schedule: How data turn into noise.
        network: Takes states of about unit variance, shape (n, size), and (2/π) arctan(noise /
            data), shape (n,) or (); gives as many states.

    Reference:
        Song et al. (2021), arXiv:2011.13456; for the weights Song, Durkan, Murray & Ermon
        (2021), theorem 1 and section 5.1, arXiv:2101.09258.
    """

    # Scores are learned from little signal in much noise: large batches, and many passes.
    recipe = zoo.Recipe(epochs=120, batch_size=1024, learning_rate=5e-3)
    times: Tensor

    def __init__(self, coordinates: Standardized, schedule: Schedule, network: nn.Module) -> None:
        super().__init__()
        self.schedule = schedule
        self.register_buffer("times", even_times(schedule), persistent=False)
        self.coordinates = coordinates
        self.size = coordinates.size
        self.network = network

    def fit(self, x: Tensor) -> None:
        """Set the scales of the coordinates, with the chain's symmetries made exact."""
        self.coordinates.fit(torch.cat([augment(x) for _ in range(4)]))

    def coefficients(self, t: Tensor) -> zoo.Coefficients:
        """Those of the SDE."""
        return self.schedule(t)

    def loss(self, x: Tensor) -> Tensor:
        """Mean square error of the score, weighted by s², at times even in log(s/a).

        These weights make it a bound of the negative log-likelihood. Each noise is used with
        both signs: where there is little of it the score of the two states is nearly the same,
        and what chance adds to the gradient cancels.
        """
        data = self.coordinates.encode(augment(x)).repeat(2, 1)
        noise = torch.randn_like(data[: len(x)])
        noise = torch.cat([noise, -noise])
        k = torch.randint(len(self.times), (len(x), 1), device=data.device)
        c = self.schedule(self.times[k].repeat(2, 1))
        # The score of x_t, had it only come from these data, is −noise / s.
        return (c.s * self._score(c.a * data + c.s * noise, c) + noise).square().mean()

    def score(self, x_t: Tensor, t: Tensor) -> Tensor:
        """∇ log p(x_t) of noisy states (n, size) at one time t > 0, shape (n, size)."""
        return self._score(x_t, self.schedule(t))

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean state that the score implies, (x_t + s² ∇ log p) / a (Tweedie's formula)."""
        c = self.schedule(t)
        return (x_t + c.s.square() * self._score(x_t, c)) / c.a

    def decode(self, x: Tensor) -> Tensor:
        """Conformations of these states, turned at random if a state has no pose."""
        chains = self.coordinates.decode(x)
        if self.coordinates.oriented:
            return chains
        return turn_at_random(chains)

    def _score(self, x_t: Tensor, c: zoo.Coefficients) -> Tensor:
        """The score that normal data would imply, −x_t / r², corrected by a network.

        With data of unit variance x_t has variance r² = a² + s². The network sees x_t at unit
        variance, and instead of t the angle of s and a, so that it has the same question to
        answer for every SDE. Its answer counts as much as there is data in x_t.
        """
        r = torch.sqrt(c.a.square() + c.s.square())
        level = torch.atan2(c.s, c.a).flatten() * (2 / math.pi)
        answer: Tensor = self.network(x_t / r, level)
        return -(x_t / r + c.a / c.s * answer) / r


class ScoreSDE(ScorePath):
    """Scores of an SDE that turns data into noise.

    Its density is that of the probability flow, so of draws by `ode`. The divergence is exact by
    default: estimates by random signs are right on average in log p, and off by 0.7 nats each.

    Args:
        shape: `(beads, dim)`.
        sde: `vp` preserves the variance of the data, `ve` lets it explode, and `subvp` keeps it
            below that of `vp`.
        coordinates: Representation of the state, `internal`, `bonds`, `rouse` or `aligned`;
            `None` chooses by dimension.
        divergence: How `log_prob` takes it: `exact`, or `hutchinson`, by random signs, for
            unbiased estimates that are new at every call and cost a quarter.
        width: Units of a hidden layer.
        depth: Hidden layers.

    Raises:
        zoo.errors.UsageError: If there is no such SDE or divergence.

    Reference:
        Song et al. (2021), arXiv:2011.13456.

    Example:
        >>> model = ScoreSDE((12, 2), sde="ve")
        >>> model.size, sum(p.numel() for p in model.parameters())
        (21, 99093)
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        sde: Literal["vp", "ve", "subvp"] = "vp",
        coordinates: str | None = None,
        divergence: Literal["exact", "hutchinson"] = "exact",
        width: int = 192,
        depth: int = 3,
    ) -> None:
        if sde not in SDES:
            raise UsageError(f"score-sde[sde={sde!r}]: expected one of {', '.join(SDES)}.")
        if divergence not in ("exact", "hutchinson"):
            raise UsageError(
                f"score-sde[divergence={divergence!r}]: expected 'exact' or 'hutchinson'."
            )
        state = representation(coordinates, shape)
        super().__init__(state, SDES[sde], ChainNetwork(state, width=width, depth=depth))
        self.directions = unit_vectors if divergence == "exact" else random_signs

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of conformations (n, beads, dim), shape (n,), in nats."""
        z = self.coordinates.encode(x)
        log_prob = flow_log_prob(self, z, self.directions(z), nodes=NODES)
        return self.coordinates.log_det(x) + log_prob


def even_times(schedule: Schedule, n: int = 1_000) -> Tensor:
    """Times at which log(s/a) is evenly spaced, for s/a from 0.01 to 10, shape (n,).

    With more noise there is nothing left to learn, with less nothing that matters.

    Example:
        >>> c = VESchedule()(even_times(VESchedule(), 4))
        >>> [f"{ratio:.3g}" for ratio in (c.s / c.a).tolist()]
        ['0.01', '0.1', '1', '10']
    """
    t = torch.linspace(1e-3, 1.0, 10_001, dtype=torch.float64).square()
    c = schedule(t)
    levels = torch.log(c.s / c.a)
    even = np.linspace(math.log(0.01), math.log(10), n)
    return torch.from_numpy(np.interp(even, levels.numpy(), t.numpy())).float()
