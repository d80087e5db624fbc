"""Which checks there are for what is named."""

from __future__ import annotations

from zoo.conformance.case import Case, Check
from zoo.errors import UsageError
from zoo.registry import Choice, Listing, Plugin, Registry, installed
from zoo.registry.listing import normalise
from zoo.registry.options import parse
from zoo.wording import did_you_mean


def cases(*names: str, registry: Registry | None = None) -> list[Case]:
    """Every check on everything that is named.

    Args:
        names: Of whatever is listed, with options if wanted; of plugins or distributions, for all
            that they offer; or `path/to/file.py:Class`.
        registry: Where names are looked up; what is installed if `None`.

    Returns:
        The cases, in the order of the names, each subject once.

    Raises:
        UsageError: If a name means nothing, or options do not fit.

    Example:
        >>> cases("polymer-zoo/ddmi")
        Traceback (most recent call last):
        zoo.errors.UsageError: nothing is called 'polymer-zoo/ddmi'. Did you mean ...
    """
    registry = installed() if registry is None else registry
    subjects = dict.fromkeys(subject for name in names for subject in _meant(registry, name))
    return [Case(check, subject) for subject in subjects for check in checks_for(subject)]


def checks_for(subject: Choice) -> tuple[Check, ...]:
    """The checks for a subject: what its kind must keep to, and what it says that it offers."""
    from zoo.conformance import (
        common,
        datasets,
        densities,
        draws,
        energies,
        engines,
        metrics,
        models,
        paths,
        samplers,
    )

    kinds = {
        "model": models.CHECKS + draws.CHECKS,
        "sampler": samplers.CHECKS + draws.CHECKS,
        "metric": metrics.CHECKS,
        "dataset": datasets.CHECKS + energies.CHECKS,
        "engine": engines.CHECKS,
    }
    spec = subject.listing.spec
    found = common.CHECKS + kinds[spec.kind]
    if spec.kind == "model" and "path" in spec.offers:
        found += paths.CHECKS
    if spec.kind == "model" and "log_prob" in spec.offers:
        found += densities.CHECKS
    if spec.kind == "sampler" and spec.exact and "path" in spec.needs:
        found += (samplers.exact_draws_follow_the_flow,)
    return found


def _meant(registry: Registry, text: str) -> list[Choice]:
    name, options = parse(text)
    if ".py:" in name:
        found = [registry.find("model", text)]
    else:
        found = [
            Choice(listing, options) for listing in registry.listings if _is_called(listing, name)
        ]
    if not found and not any(_owns(plugin, name) for plugin in registry.plugins):
        raise UsageError(_absence(registry, name))
    for choice in found if options else ():
        choice.check()
    return found


def _is_called(listing: Listing, name: str) -> bool:
    own = (listing.spec.name, listing.label, listing.qualified)
    return name in own or _owns(listing.plugin, name)


def _owns(plugin: Plugin, name: str) -> bool:
    called = {normalise(plugin.name), plugin.distribution}
    return plugin.status == "ok" and normalise(name) in called


def _absence(registry: Registry, name: str) -> str:
    asked = {normalise(part) for part in (name, name.partition("/")[0])}
    for plugin in registry.plugins:
        if plugin.status != "ok" and asked & {normalise(plugin.name), plugin.distribution}:
            return f"{plugin.title} is {plugin.status}: {plugin.reason}. Repair or allow it."
    names = {listing.label for listing in registry.listings}
    names |= {listing.plugin.distribution for listing in registry.listings}
    return (
        f"nothing is called {name!r}.{did_you_mean(name.rpartition('/')[2], names)} "
        f"Installed: {', '.join(sorted(names)) or 'nothing'}."
    )
