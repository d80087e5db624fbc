"""A right model, and wrong ones."""

# ruff: noqa: D102 - the contract says what the methods do

from __future__ import annotations

import math
import sys

import numpy as np
import torch
from torch import Tensor, nn

import zoo
from zoo.polymer.coordinates import Rouse


class Normal(zoo.OneShot):
    """Right: independent normal Rouse modes, scaled by fit and then by gradients."""

    std: Tensor

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.modes = Rouse(shape)
        self.register_buffer("std", torch.ones(self.modes.size))
        self.log_scale = nn.Parameter(torch.zeros(self.modes.size))

    def fit(self, x: Tensor) -> None:
        self.std = self.modes.encode(x).std(dim=0)

    def width(self) -> Tensor:
        return self.std * self.log_scale.exp()

    def noise(self, n: int) -> Tensor:
        return torch.randn(n, self.modes.size, device=self.device)

    def loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        width = self.width()
        z = self.modes.encode(x) / width
        return -(z.square() + math.log(2 * math.pi)).sum(dim=1) / 2 - width.log().sum()

    def draw(self, n: int) -> Tensor:
        return self.modes.decode(self.width() * self.noise(n))


class NeedsOption(Normal):
    """Has an option without a default."""

    def __init__(self, shape: tuple[int, int], *, width: int) -> None:
        super().__init__(shape)
        del width


def gives_no_model(shape: tuple[int, int]) -> nn.Module:
    """A network, and nothing to learn or draw by."""
    return nn.Linear(*shape)


class ReseedsInLoss(Normal):
    """Seeds torch while it learns."""

    def loss(self, x: Tensor) -> Tensor:
        torch.manual_seed(0)
        return super().loss(x)


class ReseedsAtTheEnd(Normal):
    """Seeds torch when it has learned."""

    def finish(self, x: Tensor) -> None:
        torch.manual_seed(len(x))


class ReseedsNumPy(Normal):
    """Seeds NumPy while it draws."""

    def noise(self, n: int) -> Tensor:
        np.random.seed(0)
        return super().noise(n)


class ChangesSettings(Normal):
    """Makes algorithms deterministic for everybody."""

    def loss(self, x: Tensor) -> Tensor:
        torch.use_deterministic_algorithms(True)
        return super().loss(x)


class ChangesPrecisionAtOnce(Normal):
    """Changes the precision of everybody's products when built."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__(shape)
        torch.set_float32_matmul_precision("medium")


class Talks(Normal):
    """Prints."""

    def draw(self, n: int) -> Tensor:
        sys.stdout.write(f"drawing {n}\n")
        return super().draw(n)


class VectorLoss(Normal):
    """Forgets to take the mean."""

    def loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x)


class LossIsNaN(Normal):
    """Has no finite loss."""

    def loss(self, x: Tensor) -> Tensor:
        return super().loss(x) * math.nan


class ExitsInFit(Normal):
    """Ends the process."""

    def fit(self, x: Tensor) -> None:
        del x
        sys.exit("no licence")


class IdleParameter(Normal):
    """Has a parameter that nothing uses."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__(shape)
        self.idle = nn.Parameter(torch.zeros(3))


class TwelveBeads(Normal):
    """Knows one shape only."""

    def draw(self, n: int) -> Tensor:
        return super().draw(n).reshape(n, 12, 2)


class CentresInPlace(Normal):
    """Moves the caller's conformations."""

    def log_prob(self, x: Tensor) -> Tensor:
        x -= x.mean(dim=1, keepdim=True)
        return super().log_prob(x)


class CentresAtTheEnd(Normal):
    """Moves the caller's conformations when it has learned."""

    def finish(self, x: Tensor) -> None:
        x -= x.mean(dim=1, keepdim=True)


class TakesItsOwnGradient(Normal):
    """Moves the caller's conformations in a loss that differentiates by them."""

    def loss(self, x: Tensor) -> Tensor:
        x -= x.mean(dim=1, keepdim=True)
        with torch.enable_grad():
            y = x.clone().requires_grad_()
            (score,) = torch.autograd.grad(self.log_prob(y).sum(), y, create_graph=True)
        return super().loss(x) + 0 * score.square().mean()


class RollsItsOwnDice(Normal):
    """Learns from conformations spoilt by a generator that nobody can seed."""

    def loss(self, x: Tensor) -> Tensor:
        return super().loss(x * float(np.random.default_rng().uniform(0.9, 1.1)))


class FourBeads(Normal):
    """Raises what it should not for shorter chains."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__(shape)
        if shape[0] < 4:
            raise RuntimeError("too short")

    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x) + 1


class CountsDraws(Normal):
    """Writes to a buffer whenever it draws."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__(shape)
        self.register_buffer("count", torch.zeros(()))

    def draw(self, n: int) -> Tensor:
        self.count: Tensor
        self.count += n
        return super().draw(n)


class WakesUp(Normal):
    """Draws in training mode."""

    def draw(self, n: int) -> Tensor:
        self.train()
        return super().draw(n)


class PlainAttribute(Normal):
    """Keeps what it learned where it is not saved."""

    def fit(self, x: Tensor) -> None:
        super().fit(x)
        self.kept = self.std.tolist()
        self.std = torch.ones_like(self.std)

    def width(self) -> Tensor:
        return torch.tensor(getattr(self, "kept", 1.0), device=self.device) * super().width()


class HoldsOnToItself(Normal):
    """Keeps a function that holds on to the original."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__(shape)
        self.held = lambda: self.std * self.log_scale.exp()

    def width(self) -> Tensor:
        return self.held()


class MixesRows(Normal):
    """Lets a batch decide about each of its rows."""

    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x) + 0.5 * (self.modes.encode(x) / self.width()).mean()


class NeedsMany(Normal):
    """Right: learns from large batches alone, and asks for them."""

    recipe = zoo.Recipe(batch_size=512)

    def loss(self, x: Tensor) -> Tensor:
        if len(x) < 500:
            raise RuntimeError("too few for a covariance")
        return super().loss(x)
