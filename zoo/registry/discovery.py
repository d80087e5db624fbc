"""Finding plugins: metadata first, then each one imported under its own guard.

`pluggy.PluginManager.load_setuptools_entrypoints` is not used: one package that fails to
import would stop all others, and equal names would silently replace each other.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from importlib import metadata
from types import ModuleType

import pluggy

from zoo.errors import UsageError
from zoo.registry.hookspecs import HOOKS, Hooks
from zoo.registry.listing import FIRST_PARTY, Listing, Plugin, normalise
from zoo.registry.names import Registry
from zoo.registry.origin import origin
from zoo.registry.quiet import importing_strangers
from zoo.registry.validation import MODULE, NAME, Refusal, accept
from zoo.specs import Spec
from zoo.wording import did_you_mean, one_line, printable

GROUP = "zoo.plugins"
"""The entry-point group that makes a distribution a plugin."""


def installed(blocked: Collection[str] = (), *, first_party_only: bool = False) -> Registry:
    """What is installed, less what is blocked here or not named in `ZOO_PLUGINS`.

    Args:
        blocked: Entry points or distributions to leave out.
        first_party_only: Take only plugins that ship with the zoo.

    Raises:
        UsageError: If `ZOO_PLUGINS` names what is not installed.
    """
    listed = os.environ.get("ZOO_PLUGINS")
    names = None if listed is None else [x.strip() for x in listed.split(",") if x.strip()]
    found = discover(blocked=blocked, allowed=names, first_party_only=first_party_only)
    known = {normalise(name) for it in found.plugins for name in (it.name, it.distribution)}
    for name in names or ():
        if normalise(name) not in known:
            raise UsageError(
                f"ZOO_PLUGINS names {name!r}, which is not installed.{did_you_mean(name, known)} "
                f"There are: {', '.join(sorted(known)) or 'none'}."
            )
    return found


def discover(
    *,
    blocked: Collection[str] = (),
    allowed: Collection[str] | None = None,
    first_party_only: bool = False,
) -> Registry:
    """Find what is installed.

    Nothing a plugin does while it is imported or asked stops another one: whatever is wrong
    with it is the `reason` of its record. Installing a plugin is running it; one that is
    blocked is listed and never imported.

    Args:
        blocked: Entry points or distributions to leave out.
        allowed: The only ones to take besides those that ship with the zoo; `None` takes all.
        first_party_only: Take only those that ship with the zoo.

    Returns:
        All plugins and their specs, those that ship with the zoo first, then by distribution.

    Example:
        >>> registry = discover(first_party_only=True)
        >>> {listing.plugin.distribution for listing in registry.listings} <= {"polymer-zoo"}
        True
    """
    plugins: list[Plugin] = []
    found: list[tuple[Spec, Plugin]] = []
    for installed in sorted(_installed(), key=_place):
        plugin = installed
        specs: list[Spec] = []
        if plugin.status == "ok":
            plugin = _block(plugin, blocked, allowed, first_party_only)
        if plugin.status == "ok":
            plugin, specs = _load(plugin, found)
        plugins.append(plugin)
        found += [(spec, plugin) for spec in specs]
    return Registry(tuple(plugins), tuple(_label(found)))


def _place(plugin: Plugin) -> tuple[bool, str, str, str]:
    return plugin.distribution != FIRST_PARTY, plugin.distribution, plugin.name, plugin.module


def _installed() -> Iterator[Plugin]:
    """Read the metadata of all distributions, importing nothing.

    Reading a name parses a whole METADATA file, so only plugins are asked for theirs.
    """
    # The empty entry is the current directory, from where nothing is loaded unasked.
    path = [entry for entry in sys.path if entry]
    seen = set()
    for distribution in metadata.distributions(path=path):
        try:
            declares = GROUP in (distribution.read_text("entry_points.txt") or "")
        except (OSError, UnicodeError):
            continue
        if declares:
            facts = distribution.metadata
            name = printable(normalise(facts["Name"] or "?"))
            if name not in seen and not _is_shadowed(distribution, name, path):
                seen.add(name)
                yield from _declared(distribution, name, printable(facts["Version"] or "?"))


def _is_shadowed(distribution: metadata.Distribution, name: str, path: list[str]) -> bool:
    """Whether another one of that name comes first on the path, as an import would see it."""
    first = next(iter(metadata.distributions(name=name, path=path)), distribution)
    return str(first.locate_file("")) != str(distribution.locate_file(""))


def _declared(distribution: metadata.Distribution, name: str, version: str) -> Iterator[Plugin]:
    source, requirement = origin(distribution, name)
    whole = Plugin(name, name, version, "", source=source, requirement=requirement)
    try:
        entries = list(distribution.entry_points.select(group=GROUP))
    except Exception as error:  # noqa: BLE001 - malformed files make importlib.metadata fail anyhow
        reason = f"its entry points cannot be read: {one_line(error)}"
        yield replace(whole, status="quarantined", reason=reason)
        return
    for entry in entries:
        plugin = replace(whole, name=printable(entry.name), module=printable(entry.value))
        if not NAME.fullmatch(entry.name):
            reason = (
                f"its entry point is called {entry.name!r}; a name is a lower-case letter and at "
                "most 39 more of a-z, 0-9, _ and -"
            )
            plugin = replace(plugin, status="quarantined", reason=reason)
        elif not MODULE.fullmatch(entry.value):
            reason = f"its entry point leads to {entry.value!r}; expected a module's dotted name"
            plugin = replace(plugin, status="quarantined", reason=reason)
        yield plugin


def _block(
    plugin: Plugin,
    blocked: Collection[str],
    allowed: Collection[str] | None,
    first_party_only: bool,
) -> Plugin:
    names = {normalise(plugin.name), plugin.distribution}
    reason = ""
    if not names.isdisjoint(map(normalise, blocked)):
        reason = "it is on the list of plugins to leave out"
    elif plugin.distribution != FIRST_PARTY:
        if first_party_only:
            reason = "only plugins that ship with the zoo were asked for"
        elif allowed is not None and names.isdisjoint(map(normalise, allowed)):
            reason = "it is not on the list of allowed plugins"
    return replace(plugin, status="blocked", reason=reason) if reason else plugin


def _load(plugin: Plugin, found: Iterable[tuple[Spec, Plugin]]) -> tuple[Plugin, list[Spec]]:
    """Import one plugin and ask it for its specs; a plugin that fails gives none."""
    try:
        # What a plugin prints would otherwise end up in somebody's CSV.
        with importing_strangers():
            hooks, specs = _ask(plugin)
        _refuse_taken(plugin, specs, found)
    except Refusal as refusal:
        cause = refusal.__cause__
        trace = "".join(traceback.format_exception(cause)) if cause else ""
        return replace(plugin, status="quarantined", reason=str(refusal), traceback=trace), []
    return replace(plugin, hooks=hooks), specs


@contextlib.contextmanager
def _guard(doing: str) -> Iterator[None]:
    """Turn whatever somebody else's code raises into a refusal; only Ctrl-C passes."""
    try:
        yield
    except Refusal:
        raise
    except (Exception, SystemExit) as error:
        raise Refusal(f"{doing} failed: {one_line(error)}") from error


def _ask(plugin: Plugin) -> tuple[tuple[str, ...], list[Spec]]:
    """The hooks a plugin implements, and what they yield."""
    with _guard(f"importing {plugin.module}"):
        module = importlib.import_module(plugin.module)
    with _guard("comparing its hooks"):
        hooks = _hooks_of(module, plugin.name)
    specs: dict[tuple[str, str], Spec] = {}
    implemented = []
    for name, expected in HOOKS.items():
        caller: pluggy.HookCaller = getattr(hooks, name)
        with _guard(name):
            answers = caller()
        if len(answers) < len(caller.get_hookimpls()):
            raise Refusal(f"{name} returned None; expected it to yield zoo.{expected.__name__}")
        for answer in answers:
            implemented.append(name)
            _read(name, answer, expected, specs)
    return tuple(implemented), list(specs.values())


def _hooks_of(module: ModuleType, name: str) -> pluggy.HookRelay:
    """Let pluggy compare a module with the hooks; one manager each, so that none sees another."""
    known = ", ".join(HOOKS)
    for hook in HOOKS:
        function = getattr(module, hook, None)
        if callable(function) and not hasattr(function, "zoo_impl"):
            raise Refusal(f"its function {hook} is not marked with @zoo.hookimpl")
    manager = pluggy.PluginManager("zoo")
    manager.add_hookspecs(Hooks)
    manager.register(module, name)
    callers = manager.get_hookcallers(module) or []
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        unknown = next(caller.name for caller in callers if not caller.has_spec())
        raise Refusal(
            f"it has a hook {unknown!r}, which does not exist.{did_you_mean(unknown, HOOKS)} "
            f"There are {known}"
        ) from None
    if not callers:
        raise Refusal(f"it has none of the hooks {known}")
    return manager.hook


def _read(
    hook: str, answer: object, expected: type[Spec], specs: dict[tuple[str, str], Spec]
) -> None:
    """Add what one hook yields to `specs`."""
    if not isinstance(answer, Iterable):
        raise Refusal(
            f"{hook} returned a {type(answer).__name__}; expected it to yield "
            f"zoo.{expected.__name__}"
        )
    with _guard(hook):
        for item in answer:
            spec = accept(item, expected)
            # Seen at once, so that a generator that never ends is left at its first repetition.
            if (spec.kind, spec.name) in specs:
                raise Refusal(f"it yields two {spec.kind}s called {spec.name!r}")
            specs[spec.kind, spec.name] = spec


def _refuse_taken(
    plugin: Plugin, specs: Iterable[Spec], found: Iterable[tuple[Spec, Plugin]]
) -> None:
    """A first-party name is nobody else's, and `dist/name` must mean one thing."""
    protected = {FIRST_PARTY, plugin.distribution}
    taken = {
        (spec.kind, spec.name): owner for spec, owner in found if owner.distribution in protected
    }
    for spec in specs:
        if owner := taken.get((spec.kind, spec.name)):
            raise Refusal(
                f"its {spec.kind} {spec.name!r} claims a taken name, that of {owner.title}"
            )


def _label(found: Iterable[tuple[Spec, Plugin]]) -> Iterator[Listing]:
    found = list(found)
    times = Counter((spec.kind, spec.name) for spec, _ in found)
    for spec, plugin in found:
        unique = times[spec.kind, spec.name] == 1
        label = spec.name if unique else f"{plugin.distribution}/{spec.name}"
        yield Listing(spec, plugin, label)
