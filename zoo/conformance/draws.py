"""What conformations must be like, whether a model draws them itself or through a sampler."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from zoo.conformance import gaussian
from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.preparation import built, draw, drawer, exact_models, sample, trained
from zoo.conformance.state import seed_all
from zoo.conformance.truth import SHAPE, truth
from zoo.contracts import Density, Trainable
from zoo.registry import Choice
from zoo.wording import one_line


def drawn(give: Callable[[int], Tensor], n: int) -> Tensor:
    """Draw, or skip what cannot be judged without draws."""
    with needing("draws_have_the_right_shape"):
        return give(n)


def check_shape(x: object, shape: tuple[int, int, int]) -> None:
    """See that what was drawn is a tensor of a shape.

    Raises:
        Violation: If it is not.
    """
    if not isinstance(x, Tensor) or x.shape != shape:
        found = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise Violation(
            f"asked for {shape[0]} conformations it gives {found}; expected a tensor of shape "
            f"{shape} = (n, beads, dim). Reshape what is drawn, by the shape that the factory gets."
        )


def draws_have_the_right_shape(subject: Choice) -> None:
    """1, 7 and 1,000 conformations come as tensors of shape (n, beads, dim)."""
    shape = SHAPE if subject.listing.spec.kind == "model" else gaussian.SHAPE
    give = drawer(subject)
    for n in (1, 7, 1_000):
        check_shape(give(n), (n, *shape))


def draws_are_finite(subject: Choice) -> None:
    """No conformation holds NaN or infinity."""
    x = drawn(drawer(subject), 1_000)
    bad = int((~torch.isfinite(x)).flatten(1).any(dim=1).sum())
    if bad:
        raise Violation(
            f"{bad} of 1,000 conformations hold NaN or infinity; expected finite numbers. Look for "
            "a division by zero or an exponential that overflows."
        )


def draws_keep_dtype(subject: Choice) -> None:
    """Conformations have the dtype of those the model was fitted to."""
    x = drawn(drawer(subject), 7)
    if x.dtype != torch.float32:
        raise Violation(
            f"it draws {x.dtype}; expected torch.float32, like the conformations it was fitted to. "
            "Pass no other dtype."
        )


def follows_its_device(subject: Choice) -> None:
    """Draws, loss and densities are where the model is: on meta, and on CUDA if there is one."""
    unknown = []
    for device in ("meta", "cuda") if torch.cuda.is_available() else ("meta",):
        where, asked = _asked_on(subject, device)
        for name, act in asked.items():
            try:
                found = f"is on {act().device.type}"
            except Exception as error:  # noqa: BLE001 - what a plugin may raise
                if device == "meta" and not _MIXED.search(str(error)):
                    unknown.append(f"{name} cannot be tried on meta: {one_line(error, 100)}")
                    continue
                found = f"raises {one_line(error)}"
            if found != f"is on {where.type}":
                raise Violation(
                    f"where the model is on {device}, {name} {found}; expected everything to be "
                    "where the model is. Pass device=self.device, or model.device, to what makes "
                    "tensors, and keep in buffers (register_buffer) what must move."
                )
    if unknown:
        raise NotApplicable("; ".join(unknown))


_MIXED = re.compile("(expected|same) device")


def _asked_on(subject: Choice, device: str) -> tuple[torch.device, dict[str, Callable[[], Tensor]]]:
    """Where the model says it is when it is moved, and what can be asked of it there."""
    if subject.listing.spec.kind == "sampler":
        sampler, exact = built(subject), exact_models(subject)[0].to(device)
        return exact.device, {"sample": lambda: sample(sampler, exact, 7)}
    model = trained(subject).to(device)
    x = truth(SHAPE, 256).to(model.device)
    found = {"a draw": lambda: draw(model, 7)}
    if isinstance(model, Trainable):
        found["the loss"] = lambda: model.loss(x)
    if isinstance(model, Density):
        found["log_prob"] = lambda: model.log_prob(x)
    return model.device, found


def same_seed_same_draws(subject: Choice) -> None:
    """From the same random state come the same conformations: there is no other randomness."""
    if not torch.equal(*_from_seeds(subject, 1, 1)):
        raise Violation(
            "two draws from one seed differ; expected the same. Take all random numbers from "
            "torch's global random state, and keep nothing from one draw to the next."
        )


def other_seed_other_draws(subject: Choice) -> None:
    """From another random state come other conformations."""
    if torch.equal(*_from_seeds(subject, 1, 2)):
        raise Violation(
            "draws from two seeds are the same; expected others. Do not use a generator with a "
            "fixed seed."
        )


def draws_differ_from_one_another(subject: Choice) -> None:
    """No two of 1,000 conformations are equal; a reference may return what it has seen."""
    spec = subject.listing.spec
    if spec.kind == "model" and spec.reference:
        raise NotApplicable("it is a reference, which may return what it has seen")
    x = drawn(drawer(subject), 1_000)
    with needing("draws_have_the_right_shape"):
        different = len(torch.unique(x.flatten(1), dim=0))
    if different < len(x):
        raise Violation(
            f"of 1,000 conformations only {different} differ; expected all to, as independent "
            "draws do. Take new random numbers for each, and repeat or expand none."
        )


def _from_seeds(subject: Choice, *seeds: int) -> list[Tensor]:
    give = drawer(subject)
    found = []
    for seed in seeds:
        seed_all(seed)
        found.append(drawn(give, 10).nan_to_num())
    return found


CHECKS: tuple[Check, ...] = (
    draws_have_the_right_shape,
    draws_are_finite,
    draws_keep_dtype,
    follows_its_device,
    same_seed_same_draws,
    other_seed_other_draws,
    draws_differ_from_one_another,
)
