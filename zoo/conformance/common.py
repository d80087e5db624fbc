"""What every plugin must keep to, whatever its kind."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping

from zoo.conformance import imports
from zoo.conformance.actions import actions
from zoo.conformance.case import Check, Violation, needing
from zoo.conformance.preparation import build
from zoo.conformance.state import random_states, seed_all, settings
from zoo.registry import Choice
from zoo.registry.factories import load
from zoo.registry.validation import Refusal, accept


def spec_is_valid(subject: Choice) -> None:
    """Its spec is one that the zoo accepts, says in words what it is, and its factory exists."""
    spec = subject.listing.spec
    if subject.listing.plugin.distribution != "file":  # whose spec the zoo writes itself
        try:
            accept(spec, type(spec))
        except Refusal as refusal:
            raise Violation(f"{refusal}. Change the spec.") from None
    wanted = ("summary", "source", "license") if spec.kind == "dataset" else ("summary",)
    for field in wanted:
        if not getattr(spec, field).strip():
            raise Violation(f"its {field} is empty; expected one line of text. Write one.")
    load(subject.listing)


def builds_from_defaults(subject: Choice) -> None:
    """Every option has a default, and with these it builds what its contract says."""
    with needing("spec_is_valid"):
        load(subject.listing)
    subject.check()
    build(subject)


def settings_are_frozen(subject: Choice) -> None:
    """It is a frozen dataclass: its settings say all there is to it, for good."""
    with needing("builds_from_defaults"):
        found = build(subject)
    parameters = vars(type(found)).get("__dataclass_params__")  # not one that it inherits
    if parameters is None or not parameters.frozen:
        raise Violation(
            f"{type(found).__name__} is no frozen dataclass; expected one, so that equal settings "
            "mean equal results. Write @dataclass(frozen=True) above it."
        )


def never_reseeds(subject: Choice) -> None:
    """It never seeds a global generator: from two seeds, two states are left behind."""
    for name, act in actions(subject).items():
        left = []
        for seed in (1, 2):
            seed_all(seed)
            with needing("the other checks"):
                act()
            left.append(random_states())
        for generator, state in left[0].items():
            if state == left[1][generator]:
                raise Violation(
                    f"after {name}, the random state of {generator} does not depend on the seed; "
                    f"expected it to go on from where it was. Do not seed {generator}."
                )


def check_untouched(before: Mapping[str, object], name: str) -> None:
    """See that the global generators are where they were.

    Args:
        before: What `random_states` gave then.
        name: What was done since, for the error.

    Raises:
        Violation: If one has moved.
    """
    for generator, state in random_states().items():
        if state != before[generator]:
            raise Violation(
                f"{name} takes random numbers from {generator}'s global generator; expected it to "
                "stay where it was. Use a generator of its own, with a fixed seed."
            )


def leaves_settings_alone(subject: Choice) -> None:
    """Torch's settings, which concern everybody in the process, are as they were before."""
    with needing("spec_is_valid"):
        load(subject.listing)  # what that changes, import_changes_nothing says
    before = settings()
    asked = {"building or training": lambda: None, **actions(subject)}
    for name, act in asked.items():
        with needing("the other checks"):
            act()
        for what, value in settings().items():
            if value != before[what]:
                raise Violation(
                    f"{name} changes {what} from {before[what]} to {value}; expected it to stay. "
                    "Pass dtype, device and the like to the functions that need them."
                )


def prints_nothing(subject: Choice) -> None:
    """It writes nothing to standard output, where somebody expects results."""
    for name, act in actions(subject).items():
        with contextlib.redirect_stdout(io.StringIO()) as said, needing("the other checks"):
            act()
        if text := said.getvalue():
            raise Violation(f"{name} prints {text[:60]!r}; expected nothing. Take the print out.")


CHECKS: tuple[Check, ...] = (
    spec_is_valid,
    *imports.CHECKS,
    builds_from_defaults,
    never_reseeds,
    leaves_settings_alone,
    prints_nothing,
)
