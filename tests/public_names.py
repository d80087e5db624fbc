"""The public names of the zoo, with their signatures: what plugins may rely on.

`python -m tests.public_names` writes them into `public_names.txt` beside this file, whose
changes are the changes of the contract. A name that leaves, or a signature that no longer takes
what it took, is a break: see "Compatibility" in docs/plugins.md before accepting one.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo.registry import HOOKS
from zoo.registry.discovery import GROUP

KEPT = Path(__file__).with_name("public_names.txt")

MODULES = (
    *("zoo", "zoo.errors", "zoo.polymer", "zoo.generative", "zoo.conformance"),
    *("zoo.polymer.canaries", "zoo.polymer.chain", "zoo.polymer.coordinates", "zoo.polymer.files"),
    *("zoo.polymer.geometry", "zoo.polymer.rejection", "zoo.polymer.representations"),
    "zoo.polymer.symmetry",
    "zoo.polymer.trajectories",
    *("zoo.generative.divergence", "zoo.generative.levels", "zoo.generative.likelihood"),
    *("zoo.generative.nets", "zoo.generative.paths", "zoo.generative.schedules"),
    "zoo.generative.splines",
)
"""What docs/plugins.md calls public."""


def public_names() -> list[str]:
    """One line for each name, one for each method or attribute of a class, and one for a hook."""
    hooks = [f"{GROUP} {hook}: {spec.__name__}" for hook, spec in HOOKS.items()]
    return [line for name in MODULES for line in _of_module(import_module(name))] + hooks


def _of_module(module: ModuleType) -> Iterator[str]:
    rooms = {found.name for found in pkgutil.iter_modules(getattr(module, "__path__", []))}
    own = [name for name, value in vars(module).items() if _is_own(module, name, value)]
    for name in sorted(set(getattr(module, "__all__", own)) - rooms):
        yield from _described(f"{module.__name__}.{name}", getattr(module, name))


def _is_own(module: ModuleType, name: str, value: object) -> bool:
    """Whether a module without `__all__` made a name itself."""
    if name.startswith("_") or inspect.ismodule(value):
        return False
    home = getattr(value, "__module__", None)
    return home == module.__name__ if callable(value) else name.isupper()


def _described(path: str, value: Any) -> Iterator[str]:
    yield path + _signature(value)
    if inspect.isclass(value) and value.__module__.startswith("zoo."):
        for name in sorted(vars(value).get("__annotations__", {})):
            if not name.startswith("_") and not (is_dataclass(value) or hasattr(value, "_fields")):
                yield f"{path}.{name}: {value.__annotations__[name]}"
        for name, member in sorted(vars(value).items()):
            if not name.startswith("_"):
                yield from _member(f"{path}.{name}", member)


def _member(path: str, member: Any) -> Iterator[str]:
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    if inspect.isfunction(member):
        yield path + _signature(member)
    elif isinstance(member, property | cached_property):
        yield path


def _signature(value: Any) -> str:
    """Arguments of what is ours to call; what a base class of others takes is their affair."""
    if hasattr(value, "_fields"):
        return f"({', '.join(value._fields)})"
    ours = str(getattr(value, "__module__", "")).startswith("zoo.")
    made = inspect.isclass(value) and (is_dataclass(value) or "__init__" in vars(value))
    plain = inspect.isfunction(value)
    text = str(inspect.signature(value)) if ours and (made or plain) else ""
    return re.sub(r" at 0x\w+", "", text)  # where a default lies in memory


if __name__ == "__main__":
    KEPT.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
