"""`zoo plugins`: what is installed, where it came from, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from zoo.cli.shared import registry_of
from zoo.errors import UsageError
from zoo.registry import Plugin, Registry
from zoo.registry.listing import normalise
from zoo.specs import API
from zoo.wording import counted, printable

FEW = 4
"""As many things of one plugin are named; of more there is only room for their number."""


def plugins(options: argparse.Namespace) -> int:
    """`zoo plugins`: one line per plugin, those that do not work with their reason."""
    registry = registry_of(options)
    if options.requirements:
        lines = dict.fromkeys(plugin.requirement for plugin in registry.plugins)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    elif options.format == "json":
        facts = [_facts(registry, plugin) for plugin in registry.plugins]
        sys.stdout.write(json.dumps(facts, indent=1) + "\n")
    else:
        sys.stdout.write(_table(registry))
    return 0


def show_plugin(options: argparse.Namespace) -> int:
    """`zoo plugins show NAME`: one plugin whole, with the traceback of what stopped it."""
    registry = registry_of(options)
    asked = normalise(options.name)
    found = [it for it in registry.plugins if asked in (normalise(it.name), it.distribution)]
    if not found:
        names = ", ".join(sorted({plugin.name for plugin in registry.plugins})) or "none"
        raise UsageError(f"no plugin or distribution named {options.name!r}. Installed: {names}.")
    sys.stdout.write("\n".join(_whole(registry, plugin) for plugin in found))
    return 0


def _table(registry: Registry) -> str:
    from tabulate import tabulate

    lines = [
        {
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "status": plugin.status,
            "hooks": " ".join(plugin.hooks),
            "offers": _offered(registry, plugin),
            "source": plugin.source,
        }
        for plugin in registry.plugins
    ]
    table = tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True)
    notes = [f"{it.name}: {it.status}: {it.reason}\n" for it in registry.plugins if it.reason]
    notes += [
        f"{it.plugin.name}: {it.spec.kind} {it.spec.name}{_age(it.spec.api)}\n"
        for it in registry.listings
        if it.spec.api != API
    ]
    return "\n".join([table + "\n", "".join(notes)]) if notes else table + "\n"


def _offered(registry: Registry, plugin: Plugin) -> str:
    """What a plugin brings, by name if that is little."""
    specs = [it.spec for it in registry.listings if it.plugin == plugin]
    if len(specs) <= FEW:
        return ", ".join(f"{spec.kind} {spec.name}" for spec in specs)
    kinds = Counter(spec.kind for spec in specs)
    return ", ".join(counted(number, kind) for kind, number in kinds.items())


def _facts(registry: Registry, plugin: Plugin) -> dict[str, object]:
    return {
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "status": plugin.status,
        "reason": plugin.reason,
        "module": plugin.module,
        "hooks": list(plugin.hooks),
        "offers": [
            {"kind": it.spec.kind, "name": it.spec.name, "api": it.spec.api}
            for it in registry.listings
            if it.plugin == plugin
        ],
        "source": plugin.source,
        "requirement": plugin.requirement,
    }


def _whole(registry: Registry, plugin: Plugin) -> str:
    facts = _facts(registry, plugin)
    offers = [it for it in registry.listings if it.plugin == plugin]
    facts["hooks"] = " ".join(plugin.hooks)
    facts["offers"] = "\n".join(
        f"{it.spec.kind} {it.label}{_age(it.spec.api)}: {it.spec.summary}" for it in offers
    )
    width = max(map(len, facts))
    indent = "\n" + " " * (width + 2)
    text = "".join(
        f"{key:<{width}}  {str(value).replace(chr(10), indent)}\n"
        for key, value in facts.items()
        if value
    )
    trace = "".join(f"{printable(line)}\n" for line in plugin.traceback.split("\n"))
    return f"{text}\n{trace}" if plugin.traceback else text


def _age(api: int) -> str:
    """What there is to say of a spec that was written for an older contract."""
    return "" if api == API else f" (written for API {api}; this zoo has {API}, and will drop it)"
