"""What a log-density must keep to, and by which draws it can be held against its model."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor

from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.draws import drawn
from zoo.conformance.preparation import built_for, draw, train, trained
from zoo.conformance.truth import SHAPE, SMALL, truth
from zoo.contracts import Density, Model
from zoo.polymer import bond_lengths, turning_angles
from zoo.polymer.coordinates import bond_volume
from zoo.registry import Choice

WIDTH = 0.4
TRIED = 20_000
STEPS = 25
"""On the way from noise to a draw, where a model is a path: its density is that of the flow."""

ROUNDING = 1e-5
"""What bond lengths in σ and angles in rad vary by when they do not."""


def log_prob_is_finite(subject: Choice) -> None:
    """True conformations have finite log-densities, one each."""
    model = _density(trained(subject))
    with torch.no_grad():
        found = model.log_prob(truth(SHAPE, 64))
    _check_one_each(found, 64)
    bad = int((~torch.isfinite(found)).sum())
    if bad:
        raise Violation(
            f"{bad} of 64 true conformations have a log-density that is NaN or infinite; expected "
            "finite numbers. Give every conformation some density, and compute with logarithms."
        )


def _check_one_each(log_prob: Tensor, n: int) -> None:
    if log_prob.shape != (n,):
        raise Violation(
            f"log_prob of {n} conformations has shape {tuple(log_prob.shape)}; expected ({n},): "
            "sum over coordinates, not over conformations."
        )


def log_prob_ignores_shifts(subject: Choice) -> None:
    """A conformation that is moved elsewhere has the same density: only its shape counts."""
    model = _density(trained(subject))
    x = truth(SHAPE, 64)
    with torch.no_grad(), needing("log_prob_is_finite"):
        gap = float((model.log_prob(x + 3) - model.log_prob(x)).abs().max())
    if not gap < 0.05:
        raise Violation(
            f"a shift by 3 σ changes a log-density by {gap:.3g} nats; expected no change. Centre "
            "what log_prob is given; see zoo.Density for the measure."
        )


def log_prob_is_normalised(subject: Choice) -> None:
    """For three beads in the plane the density is that of the draws: it integrates to one.

    With x drawn from q and any normalised g, the mean of g(x) / q(x) is 1. Several narrow g in
    bond lengths and angle, where draws are many, show an error of the density in any of these
    places.

    Reference:
        Gelfand & Dey, J. R. Stat. Soc. B 56 (1994), 501 (the reciprocal importance estimate).
    """
    with needing("fits_other_shapes"):
        model = built_for(subject, SMALL)
        train(model, SMALL, steps=50, rate=5e-3)
    x = drawn(lambda n: draw(model, n, STEPS), TRIED + 2_000)
    with torch.no_grad(), needing("log_prob_is_finite"):
        parts = torch.split(x[2_000:], 2_000)
        log_q = torch.cat([_density(model).log_prob(part) for part in parts])
        _check_one_each(log_q, TRIED)
    with needing("draws_have_the_right_shape"):
        first, z = _internal(x[:2_000]), _internal(x[2_000:])
    shape = _Shape.of(first)
    judged = [_mean_ratio(shape.log_density(z, centre), log_q) for centre in shape.centres()]
    judged = [pair for pair in judged if pair[1] < 0.06]
    if not judged:
        raise NotApplicable("its draws are too uneven to say whether its density is normalised")
    for mean, error in judged:
        if abs(mean - 1) > 0.05 + 5 * error:
            raise Violation(
                f"where its draws are many, they are {mean:.3g} ± {error:.2g} times as many as "
                "exp(log_prob) says; expected as many. Look for a missing log-determinant or "
                "normalising constant; see zoo.Density for the measure."
            )


class _Shape(NamedTuple):
    """Where draws are many: mean and Cholesky root of bond lengths and angle, (3,) and (3, 3)."""

    mean: Tensor
    root: Tensor

    @staticmethod
    def of(z: Tensor) -> _Shape:
        root, failed = torch.linalg.cholesky_ex(torch.cov(z.T))
        if failed or root.diagonal().min() < ROUNDING:
            raise Violation(
                "its draws fill no volume; expected bond lengths and angles to vary, as those of a "
                "density do. Draw from the density, or offer no log_prob."
            )
        return _Shape(z.mean(dim=0), root)

    def centres(self) -> Tensor:
        """The mean, and one standard deviation from it along either sense of each axis."""
        steps = torch.cat([torch.zeros(1, 3), torch.eye(3), -torch.eye(3)]).double()
        return self.mean + steps @ self.root.T

    def log_density(self, z: Tensor, centre: Tensor) -> Tensor:
        """Log-density, as `zoo.Density` measures it, of a narrow normal turned in any way."""
        away = z - centre
        away[:, 2] = torch.remainder(away[:, 2] + math.pi, 2 * math.pi) - math.pi
        root = WIDTH * self.root
        noise = torch.linalg.solve_triangular(root, away.T, upper=False)
        normal = -noise.square().sum(dim=0) / 2 - root.diagonal().log().sum()
        normal = normal - 1.5 * math.log(2 * math.pi)
        polar = z[:, 0].log() + z[:, 1].log() + math.log(2 * math.pi)
        found: Tensor = normal - polar + bond_volume(SMALL)
        return found


def _internal(x: Tensor) -> Tensor:
    """Bond lengths in σ and the turning angle in rad, shape (n, 3)."""
    return torch.cat([bond_lengths(x), turning_angles(x)], dim=1).double()


def _mean_ratio(log_g: Tensor, log_q: Tensor) -> tuple[float, float]:
    """Mean of g/q and its standard error, relative to it."""
    ratio = torch.exp(log_g - log_q.double())
    mean = ratio.mean()
    return float(mean), float(ratio.std() / mean / math.sqrt(len(ratio)))


def _density(model: Model) -> Density:
    if not isinstance(model, Density):
        raise NotApplicable("it has no log_prob; see offers_what_it_declares")
    return cast(Density, model)


CHECKS: tuple[Check, ...] = (
    log_prob_is_finite,
    log_prob_ignores_shifts,
    log_prob_is_normalised,
)
