"""What conformations must be like, whether a model draws them itself or through a sampler."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo.conformance import gaussian
from zoo.conformance.case import Check, Violation, needing
from zoo.conformance.preparation import drawer
from zoo.conformance.state import seed_all
from zoo.conformance.truth import SHAPE
from zoo.registry import Choice


def drawn(draw: Callable[[int], Tensor], n: int) -> Tensor:
    """Draw, or skip what cannot be judged without draws."""
    with needing("draws_have_the_right_shape"):
        return draw(n)


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
    draw = drawer(subject)
    for n in (1, 7, 1_000):
        check_shape(draw(n), (n, *shape))


def draws_are_finite(subject: Choice) -> None:
    """No conformation holds NaN or infinity."""
    x = drawn(drawer(subject), 1_000)
    bad = int((~torch.isfinite(x)).flatten(1).any(dim=1).sum())
    if bad:
        raise Violation(
            f"{bad} of 1,000 conformations hold NaN or infinity; expected finite numbers. Look for "
            "a division by zero or an exponential that overflows."
        )


def draws_keep_dtype_and_device(subject: Choice) -> None:
    """Conformations have the dtype of those it was fitted to, and are where the model is."""
    x = drawn(drawer(subject), 7)
    if (x.dtype, x.device.type) != (torch.float32, "cpu"):
        raise Violation(
            f"it draws {x.dtype} on {x.device}; expected torch.float32 on cpu, like the "
            "conformations it was fitted to. Pass device=self.device, and no other dtype."
        )


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


def _from_seeds(subject: Choice, *seeds: int) -> list[Tensor]:
    draw = drawer(subject)
    found = []
    for seed in seeds:
        seed_all(seed)
        found.append(drawn(draw, 10).nan_to_num())
    return found


CHECKS: tuple[Check, ...] = (
    draws_have_the_right_shape,
    draws_are_finite,
    draws_keep_dtype_and_device,
    same_seed_same_draws,
    other_seed_other_draws,
)
