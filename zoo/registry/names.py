"""From the text of a request to what is meant by it."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.errors import UsageError
from zoo.registry.choice import Choice
from zoo.registry.factories import file_model
from zoo.registry.listing import Listing, Plugin, normalise
from zoo.registry.options import name_in, parse, parse_sweep
from zoo.wording import did_you_mean


@dataclass(frozen=True)
class Registry:
    """All that is installed.

    Args:
        plugins: Every plugin, whether it works or not.
        listings: What those that work have on their menus, in the order of the catalogue.
    """

    plugins: tuple[Plugin, ...]
    listings: tuple[Listing, ...]

    def of(self, kind: str) -> tuple[Listing, ...]:
        """The listings of one kind: `model`, `sampler`, `metric`, `dataset` or `engine`."""
        return tuple(listing for listing in self.listings if listing.spec.kind == kind)

    def find(self, kind: str, text: str) -> Choice:
        """What is meant by a request.

        Args:
            kind: `model`, `sampler`, `metric`, `dataset` or `engine`.
            text: `name`, `distribution/name`, either with `[key=value,...]`; for a model also
                `path/to/file.py:Class`.

        Returns:
            The choice; its options are not compared with the factory until `check`.

        Raises:
            UsageError: If nothing, or more than one thing, is called that.

        Example:
            >>> Registry((), ()).find("sampler", "ddim")
            Traceback (most recent call last):
            zoo.errors.UsageError: no sampler named 'ddim'. Installed: none.
        """
        name, options = parse(text)
        return Choice(self._listing(kind, name), options)

    def find_all(self, kind: str, text: str) -> list[Choice]:
        """All that is meant by a request that may be a sweep, `name[key=1|2]`.

        Args:
            kind: As in `find`.
            text: As in `find`; a `|` between values of an option asks for each of them.

        Raises:
            UsageError: As in `find`, or if there are too many.
        """
        name, sweep = parse_sweep(text)
        listing = self._listing(kind, name)
        return [Choice(listing, options) for options in sweep]

    def has(self, kind: str, text: str) -> bool:
        """Whether the name in a request is that of anything of a kind."""
        return bool(self._meant(kind, name_in(text)))

    def _listing(self, kind: str, name: str) -> Listing:
        if kind == "model" and ".py:" in name:
            return file_model(name)
        meant = self._meant(kind, name)
        if not meant:
            raise UsageError(self._absence(kind, name))
        if len(meant) > 1:
            named = " and ".join(listing.qualified for listing in meant)
            raise UsageError(f"{kind} {name!r} may be {named}. Write one of these in full.")
        return meant[0]

    def _meant(self, kind: str, name: str) -> list[Listing]:
        owner, _, bare = name.rpartition("/")
        return [
            listing
            for listing in self.of(kind)
            if listing.spec.name == bare
            and (not owner or listing.plugin.distribution == normalise(owner))
        ]

    def _absence(self, kind: str, name: str) -> str:
        """Why nothing is called that; a plugin that was asked for by name speaks for itself."""
        owner, _, bare = name.rpartition("/")
        asked = normalise(owner or bare)
        lost = [plugin for plugin in self.plugins if plugin.status != "ok"]
        for plugin in lost:
            if asked in {normalise(plugin.name), plugin.distribution}:
                return (
                    f"no {kind} {name!r}, since {plugin.title} is {plugin.status}: "
                    f"{plugin.reason}. {_remedy(plugin)}"
                )
        if name.endswith(".py"):
            return f"{name!r} is a file, no name. Write {name}:Class for a model in it."
        other = [it.spec.kind for it in self.listings if name in (it.spec.name, it.qualified)]
        if other:
            return f"no {kind} named {name!r}: that is a {other[0]}."
        labels = sorted(listing.label for listing in self.of(kind))
        near = did_you_mean(name, labels) or did_you_mean(bare, labels)
        message = f"no {kind} named {name!r}.{near} Installed: {', '.join(labels) or 'none'}."
        broken = [f"{it.title}: {it.reason}" for it in lost if it.status == "quarantined"]
        return f"{message} Quarantined: {'; '.join(broken)}." if broken else message


def _remedy(plugin: Plugin) -> str:
    if plugin.status == "blocked":
        return "Allow it to use it."
    return f"Repair or uninstall {plugin.distribution}; see `zoo plugins show {plugin.name}`."
