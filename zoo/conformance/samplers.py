"""What a sampler must keep to, on models whose every answer is exact."""

from __future__ import annotations

import torch

from zoo.conformance.case import Check, Violation, needing
from zoo.conformance.common import settings_are_frozen
from zoo.conformance.gaussian import NormalPath
from zoo.conformance.preparation import built, exact_models, sample
from zoo.generative import StraightSchedule
from zoo.registry import Choice

DRAWS = 4_000
TOLERANCE = 0.15
"""Largest error of a mean or a standard deviation, in standard deviations of the data."""

FOLLOWS = 0.05
"""Largest error of a width that an exact sampler may have."""


def model_stays_as_it_is(subject: Choice) -> None:
    """Sampling leaves the parameters, buffers and mode of the model as they were."""
    sampler = built(subject)
    for model in exact_models(subject):
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        with needing("draws_have_the_right_shape"):
            sample(sampler, model, 10)
        changed = [
            name for name, tensor in model.state_dict().items() if not tensor.equal(before[name])
        ]
        if changed or model.training:
            found = ", ".join(changed) or "the mode"
            raise Violation(f"sampling changes {found} of the model. Work on copies of tensors.")


def exact_on_normal_data(subject: Choice) -> None:
    """With an exact model of normal data, means and widths of the draws are those of the data.

    At default settings, to 0.15 standard deviations, on schedules that bend, that are straight, and
    whose variance grows.
    """
    sampler = built(subject)
    for model in exact_models(subject):
        mean, std = model.mean.clone(), model.std.clone()
        with needing("draws_have_the_right_shape"):
            z = model.modes.encode(sample(sampler, model, DRAWS))
        shift = float(((z.mean(dim=0) - mean) / std).abs().max())
        width = float((z.std(dim=0) / std - 1).abs().max())
        if not (shift < TOLERANCE and width < TOLERANCE):
            where = type(getattr(model, "schedule", model)).__name__
            raise Violation(
                f"on an exact model ({where}) a mean is {shift:.2f} standard deviations off, and a "
                f"width {width:.0%}; expected both within {TOLERANCE:.0%}. Look at signs, at the "
                "noise that is added, at where the walk ends and at where it begins: there the "
                "variance is a² + s² at t = 1."
            )


def exact_draws_follow_the_flow(subject: Choice) -> None:
    """On a path that is wrong, draws are as wide as its flow makes them: an exact sampler's law.

    The density of a path model is that of its flow. Noise that is added on the way leads to the
    same draws only where the model makes no error.
    """
    sampler = built(subject)
    model = NormalPath(StraightSchedule(), mean=(0.0,) * 4, error=3.0).eval()
    with torch.no_grad():
        expected = model.flow_width()
        with needing("draws_have_the_right_shape"):
            found = model.modes.encode(sample(sampler, model, 2 * DRAWS)).std(dim=0)
    gap = float((found / expected - 1).abs().max())
    if not gap < FOLLOWS:
        raise Violation(
            f"its spec says that it is exact, and a width of its draws is {gap:.0%} off what the "
            f"model's flow makes it; expected less than {FOLLOWS:.0%}. Solve dx/dt = velocity "
            "without adding noise, or leave `exact` out of the spec."
        )


CHECKS: tuple[Check, ...] = (settings_are_frozen, model_stays_as_it_is, exact_on_normal_data)
