"""The energy of a dataset, for figures of what was drawn."""

from __future__ import annotations

from torch import Tensor

from zoo.errors import PluginError, UsageError
from zoo.registry import Registry
from zoo.report.records import Energy
from zoo.wording import one_line


def energy_of(label: str, registry: Registry) -> Energy | None:
    """The energy of a dataset, if it is installed and knows one.

    Args:
        label: The dataset's name with options.
        registry: What is installed.

    Example:
        >>> from zoo.registry import installed
        >>> energy_of("bead-spring", installed()) is None, energy_of("elsewhere", installed())
        (False, None)
    """
    try:
        choice = registry.find("dataset", label)
    except UsageError:
        return None
    if "energy" not in getattr(choice.listing.spec, "offers", ()):
        return None

    def energy(x: Tensor) -> Tensor:
        try:
            found: Tensor = choice.build().energy(x)
            return found.view(len(x))
        except Exception as error:
            raise PluginError(
                f"dataset {label!r} gives no energies: {one_line(error)}. Leave its plugin out "
                f"with -p no:{choice.listing.plugin.name}, and all else is drawn."
            ) from error

    return energy
