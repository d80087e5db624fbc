"""What somebody asked for: a line of the menu with options."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zoo.registry.factories import load
from zoo.registry.listing import Listing
from zoo.registry.options import Options, check_options, write


@dataclass(frozen=True, eq=False)
class Choice:
    """A listing with options. Small and picklable: it travels to the process that builds it.

    Args:
        listing: Whose factory is called.
        options: Keyword arguments for it, sorted by name.
    """

    listing: Listing
    options: Options = ()

    @cached_property
    def label(self) -> str:
        """The one text that asks for it again, and that rows call it by."""
        return write(self.listing.label, self.options)

    # Compared as text, since to Python 1, 1.0 and True are equal and lists have no hash.

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Choice):
            return NotImplemented
        return (self.listing, self.label) == (other.listing, other.label)

    def __hash__(self) -> int:
        return hash((self.listing.qualified, self.label))

    def check(self) -> None:
        """Import the factory and see that it takes these options.

        Raises:
            PluginError: If the import fails.
            UsageError: If an option does not exist, is missing or has another type.
        """
        spec, factory = self.listing.spec, load(self.listing)
        reserved: tuple[str, ...] = ()
        if spec.kind == "model":
            reserved = _shape_of(factory) + (("dataset",) if spec.needs else ())
        check_options(f"{spec.kind} {self.listing.label!r}", factory, self.options, reserved)

    def build(self, *args: object, **extra: object) -> Any:  # noqa: ANN401 - see `listing.spec`
        """Import the factory and call it.

        Args:
            args: Positional arguments: the shape, for a model.
            extra: Keyword arguments besides the options: `dataset`, for some references.

        Returns:
            What the factory returns.

        Raises:
            PluginError: If the import fails.
        """
        return load(self.listing)(*args, **dict(self.options), **extra)


def check_sweep(choices: Sequence[Choice]) -> None:
    """See that a factory takes the options of all choices of a sweep, each value looked at once.

    Raises:
        PluginError: As `Choice.check`.
        UsageError: As `Choice.check`.
    """
    pairs = {(name, repr(value)): (name, value) for one in choices for name, value in one.options}
    Choice(choices[0].listing, tuple(pairs.values())).check()


def _shape_of(factory: Any) -> tuple[str, ...]:  # noqa: ANN401 - a callable, or so it says
    """Name of a model factory's first parameter, which the zoo fills in."""
    return tuple(inspect.signature(factory).parameters)[:1]
