"""The records of a registry: plugins, and the lines of their menus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from zoo.specs import DatasetSpec, MetricSpec, ModelSpec, SamplerSpec

FIRST_PARTY = "polymer-zoo"
"""The distribution that ships with the zoo, and whose names nobody else may take."""

Status = Literal["ok", "quarantined", "blocked"]


@dataclass(frozen=True)
class Plugin:
    """One entry point of one installed distribution, whether it works or not.

    Args:
        name: Name of the entry point.
        distribution: Normalised name of what pip installed.
        version: Its version.
        module: What is imported.
        status: `quarantined` if something is wrong with it, `blocked` if the user left it out.
        reason: One sentence without its full stop, where the status is not `ok`.
        traceback: Text of the traceback where an exception is the reason.
        hooks: The hooks it implements, where it works.
        source: Where it was installed from: a URL, or the folder it lies in.
        requirement: The line of a requirements file that installs it again.
    """

    name: str
    distribution: str
    version: str
    module: str
    status: Status = "ok"
    reason: str = ""
    traceback: str = ""
    hooks: tuple[str, ...] = ()
    source: str = ""
    requirement: str = ""

    @property
    def title(self) -> str:
        """What errors call it.

        Example:
            >>> Plugin("gauss", "zoo-gauss", "1.2", "zoo_gauss").title
            "plugin 'gauss' (zoo-gauss 1.2)"
        """
        return f"plugin {self.name!r} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Listing:
    """One spec and the plugin it came from.

    Args:
        spec: One of the five specs; `Any`, since only its `kind` tells which.
        plugin: Who declared it.
        label: The shortest text that means it: its bare name where that is unique.
    """

    spec: Any
    plugin: Plugin
    label: str

    @property
    def qualified(self) -> str:
        """The name that always means it.

        Example:
            >>> spec = SamplerSpec(api=1, name="ode", factory="x:Y", summary="", needs=set())
            >>> Listing(spec, Plugin("gauss", "zoo-gauss", "1.2", "zoo_gauss"), "ode").qualified
            'zoo-gauss/ode'
        """
        return f"{self.plugin.distribution}/{self.spec.name}"


def normalise(name: str) -> str:
    """A distribution's name as package indexes compare it.

    Reference:
        Stufft, PEP 503 (2015), "Normalized Names".

    Example:
        >>> normalise("Zoo._Gauss")
        'zoo-gauss'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def fits(model: ModelSpec, sampler: SamplerSpec) -> bool:
    """Whether a model offers all that a sampler needs.

    Example:
        >>> vae = ModelSpec(api=1, name="vae", factory="x:Y", summary="", offers={"draw"})
        >>> ode = SamplerSpec(api=1, name="ode", factory="x:Y", summary="", needs={"path"})
        >>> fits(vae, ode)
        False
    """
    return sampler.needs <= model.offers


def usable(spec: ModelSpec | MetricSpec, dataset: DatasetSpec) -> bool:
    """Whether a dataset offers all that a model or a metric needs.

    Example:
        >>> truth = ModelSpec(api=1, name="truth", factory="x:Y", summary="", offers={"draw"},
        ...                   reference=True, needs={"fresh"})
        >>> chain = DatasetSpec(api=1, name="chain", factory="x:Y", summary="",
        ...                     offers={"fresh", "energy"}, source="", license="")
        >>> usable(truth, chain)
        True
    """
    return spec.needs <= dataset.offers
