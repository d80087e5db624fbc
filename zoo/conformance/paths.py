"""What a way from noise to data must keep to; t = 0 is data, t = 1 is noise."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.preparation import trained
from zoo.conformance.truth import SHAPE, truth
from zoo.contracts import Coefficients, Conditional, Path
from zoo.generative.paths import velocity_from_data
from zoo.polymer.targets import OBSERVABLES
from zoo.registry import Choice


def _path(subject: Choice) -> Path:
    model = trained(subject)
    if not isinstance(model, Path):
        raise NotApplicable("it is no zoo.Path; see offers_what_it_declares")
    return model


def denoise_and_velocity_agree(subject: Choice) -> None:
    """The velocity is a' x̂ + s' ê, with x̂ the posterior mean and ê = (x_t − a x̂) / s."""
    model = _path(subject)
    for time in (0.1, 0.3, 0.5, 0.7, 0.9):
        t = torch.tensor(time)
        c = model.coefficients(t)
        x = torch.sqrt(c.a.square() + c.s.square()) * torch.randn(16, model.size)
        with torch.no_grad(), needing("draws_have_the_right_shape"):
            expected = velocity_from_data(x, model.denoise(x, t), c)
            gap = (model.velocity(x, t) - expected).abs().max() / (c.da.abs() + c.ds.abs())
        if not gap < 1e-2:
            raise Violation(
                f"at t = {time} the velocity is {gap:.2g} |a'| + |s'| off what the posterior mean "
                "implies; expected less than 0.01. Derive from zoo.generative.Denoiser or "
                "VelocityField, and give one of the two."
            )


def coefficients_have_their_derivatives(subject: Choice) -> None:
    """A' and s' add up to the change of a and s, over every twentieth of the way."""
    c = _coefficients(_path(subject), torch.linspace(0.05, 1.0, 1_901))
    for name, value, slope in (("a", c.a, c.da), ("s", c.s, c.ds)):
        pieces = slope.unfold(0, 101, 100)  # 100 steps of 0.0005 each
        found = torch.trapezoid(pieces, dx=0.0005, dim=1)
        gap = (found - (value[100::100] - value[:-1:100])).abs()
        worst = int(gap.argmax())
        if not gap[worst] < 1e-3:
            start = 0.05 + 0.05 * worst
            raise Violation(
                f"from t = {start:.2f} to {start + 0.05:.2f} {name} changes by "
                f"{value[100 * worst + 100] - value[100 * worst]:.4f}, and {name}' adds up to "
                f"{found[worst]:.4f}; expected the same. Give coefficients the derivative by t."
            )


def noise_grows_from_none(subject: Choice) -> None:
    """At t = 0 there is data alone, a = 1 and s = 0; from there s/a grows, to more than 1."""
    c = _coefficients(_path(subject), torch.linspace(0.0, 1.0, 101))
    if not (abs(c.a[0] - 1) < 0.05 and abs(c.s[0]) < 0.05):
        raise Violation(
            f"at t = 0 it has a = {c.a[0]:.3f} and s = {c.s[0]:.3f}; expected 1 and 0, the data. "
            "Time runs from data to noise here: replace t by 1 − t if yours runs the other way."
        )
    angle = torch.atan2(c.s, c.a)  # grows with s/a, and is finite where a = 0
    if not ((angle.diff() > -1e-6).all() and angle[-1] > torch.pi / 4):
        raise Violation(
            f"s/a falls somewhere, or ends at {c.s[-1] / c.a[-1]:.3f}; expected it to grow from 0 "
            "to more than 1, so that at t = 1 there is more noise than data. Change the schedule."
        )


def labels_are_heard(subject: Choice) -> None:
    """A model with a `condition` has one path for each value, and tells them apart."""
    model = _path(subject)
    if not isinstance(model, Conditional) or model.condition is None:
        raise NotApplicable("it knows no labels")
    if model.condition not in OBSERVABLES:
        known = ", ".join(OBSERVABLES)
        raise Violation(f"its condition is {model.condition!r}; expected one of {known}.")
    values = OBSERVABLES[model.condition].of(truth(SHAPE, 100)).aminmax()
    x, t = torch.randn(16, model.size), torch.tensor(0.5)
    with torch.no_grad(), needing("draws_have_the_right_shape"):
        low, high = (model.given(float(value)).denoise(x, t) for value in values)
    if torch.equal(low, high):
        raise Violation(
            f"given({values.min:.2f}) and given({values.max:.2f}) expect the same of the same "
            "states; expected the value to matter. Pass it on to the network."
        )


def _coefficients(model: Path, t: Tensor) -> Coefficients:
    with torch.no_grad(), needing("draws_have_the_right_shape"):
        found = model.coefficients(t)
    if any(value.shape != t.shape for value in found):
        shapes = [tuple(value.shape) for value in found]
        raise Violation(f"coefficients of times {tuple(t.shape)} have shapes {shapes}.")
    return Coefficients(*(value.double() for value in found))


CHECKS: tuple[Check, ...] = (
    denoise_and_velocity_agree,
    coefficients_have_their_derivatives,
    noise_grows_from_none,
    labels_are_heard,
)
