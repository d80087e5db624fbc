"""What the energy and the density of a dataset must keep to, as far as it has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.preparation import built, split
from zoo.contracts import Dataset, ExactDataset
from zoo.errors import UsageError
from zoo.polymer import random_rotations, rotate
from zoo.polymer.coordinates import Internal
from zoo.registry import Choice

TRIED = 20_000
FEWEST = 200
"""Effective number of trials from which an integral is believed."""


def energy_and_density_are_finite(subject: Choice) -> None:
    """True conformations have a finite energy and log-density each, whichever is offered."""
    dataset = built(subject)
    x = _true(dataset, 200)
    for name, found in _known(dataset, x).items():
        if not isinstance(found, Tensor) or found.shape != (len(x),):
            got = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"{found!r:.60}"
            raise Violation(
                f"{name} of {len(x)} conformations gives {got}; expected a tensor of shape "
                f"({len(x)},), one number each."
            )
        bad = int((~torch.isfinite(found)).sum())
        if bad:
            raise Violation(
                f"{name} is NaN or infinite for {bad} of {len(x)} conformations of its own; "
                "expected finite numbers."
            )


def density_is_that_of_the_energy(subject: Choice) -> None:
    """Energy in kT and log-density add up to a constant: exp(−U) / Z."""
    dataset = built(subject)
    with needing("energy_and_density_are_finite"):
        found = _known(dataset, _true(dataset, 200))
        if len(found) < 2:
            raise NotApplicable("it does not offer both energy and log_prob")
        energy, log_prob = (values.double() for values in found.values())
        spread, largest = float((energy + log_prob).std()), float(energy.abs().max())
    if not spread < 1e-3 * (1 + largest):
        raise Violation(
            f"energy + log_prob varies by {spread:.3g} over conformations; expected a constant, "
            "−ln Z. Look at the unit of the energy, which is kT, and at Jacobians."
        )


def log_prob_is_normalised(subject: Choice) -> None:
    """Exp(log_prob) integrates to one over centred conformations.

    Conformations y are drawn from g, all bond lengths and angles independent and each as among true
    conformations. The mean of exp(log_prob(y)) / g(y) is the integral.

    Reference:
        Owen, Monte Carlo theory, methods and examples (2013), section 9.1.
    """
    dataset = built(subject)
    if not hasattr(dataset, "log_prob"):
        raise NotApplicable("it offers no log_prob")
    y, log_g = _proposals(_true(dataset, 10_000))
    with needing("energy_and_density_are_finite"):
        log_ratio = _in_parts(dataset.log_prob, y).double() - log_g
    ratio = torch.exp(log_ratio - log_ratio.max())
    if not ratio.sum().square() / ratio.square().sum() > FEWEST:
        raise NotApplicable(
            "bond lengths and angles that know nothing of each other hardly meet it"
        )
    log_integral = float(log_ratio.max() + ratio.mean().log())
    error = float(ratio.std() / ratio.mean()) / math.sqrt(len(y))
    if abs(log_integral) > 0.1 + 5 * error:
        raise Violation(
            f"exp(log_prob) integrates to exp({log_integral:.3g} ± {error:.2g}); expected 1. "
            "Subtract ln Z; see zoo.Density for the measure."
        )


class _Bins(NamedTuple):
    """Densities that are constant between quantiles: lower edges and widths, each (bins, size)."""

    low: Tensor
    width: Tensor

    @staticmethod
    def of(z: Tensor) -> _Bins:
        edges = z.quantile(torch.linspace(0, 1, min(100, len(z) // 40) + 1, dtype=z.dtype), dim=0)
        return _Bins(edges[:-1], edges.diff(dim=0))

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Independent values, shape (n, size), and their joint log-density, shape (n,)."""
        rows = torch.randint(len(self.low), (n, self.low.shape[1]))
        low, width = self.low.gather(0, rows), self.width.gather(0, rows)
        z = low + width * torch.rand(rows.shape, dtype=low.dtype)
        return z, -(len(self.low) * width).log().sum(dim=1)


def _proposals(x: Tensor) -> tuple[Tensor, Tensor]:
    """Conformations with the bond lengths and angles of x, shuffled, and ln g in nats."""
    try:
        internal = Internal((x.shape[1], x.shape[2]))
    except UsageError as refusal:
        raise NotApplicable(str(refusal)) from None
    bins = _Bins.of(internal.encode(x.double()))
    if len(x) < 10 * 40 or not (bins.width > 0).all():
        raise NotApplicable("it has too few conformations, or bonds that do not vary")
    z, log_q = bins.draw(TRIED)
    y = internal.decode(z)
    turned = rotate(y, random_rotations(TRIED, x.shape[2], dtype=y.dtype))
    return turned.float(), log_q + internal.log_det(y)


def _in_parts(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A function of conformations, a few at a time where they are long."""
    return torch.cat([function(part) for part in torch.split(x, max(1, 10**7 // x.shape[1] ** 2))])


def _true(dataset: Dataset, n: int) -> Tensor:
    """True conformations: fresh ones if there are any, else those it splits into."""
    if isinstance(dataset, ExactDataset):
        with needing("fresh_obeys_the_seed"):
            return torch.cat([dataset.fresh(n // 2), split(dataset)[1][: n // 2]])
    return torch.cat(split(dataset))[-n:]


def _known(dataset: Dataset, x: Tensor) -> dict[str, Tensor]:
    """Energy and log-density of conformations, as far as a dataset offers them."""
    asked = {name: getattr(dataset, name, None) for name in ("energy", "log_prob")}
    found = {name: ask(x) for name, ask in asked.items() if ask is not None}
    if not found:
        raise NotApplicable("it offers neither energy nor log_prob")
    return found


CHECKS: tuple[Check, ...] = (
    energy_and_density_are_finite,
    density_is_that_of_the_energy,
    log_prob_is_normalised,
)
