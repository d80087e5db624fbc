"""What importing a plugin may do to the process: bring its own names, and nothing else."""

from __future__ import annotations

import contextlib
import importlib
import io
import runpy
import subprocess
import sys
from functools import cache

from zoo.conformance.apart import Silent, ask_apart
from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.state import random_states, settings
from zoo.registry import HOOKS, Choice
from zoo.registry.factories import load


def menu_imports_no_torch(subject: Choice) -> None:
    """Importing the plugin's module and asking its hooks imports no torch."""
    if subject.listing.plugin.distribution == "file":
        raise NotApplicable("a model in a file has no menu")
    module = subject.listing.plugin.module
    if _imports_torch(module):
        raise Violation(
            f"importing {module} and asking its hooks imports torch; expected a menu of the "
            'standard library and zoo alone. Write factories as "package.module:Name".'
        )


@cache
def _imports_torch(module: str) -> bool:
    """Whether a new process has torch once it has read a menu."""
    code = (
        f"import importlib, sys\nsys.path[:] = {sys.path!r}\n"
        f"module = importlib.import_module({module!r})\n"
        f"for hook in {tuple(HOOKS)!r}:\n"
        "    list(getattr(module, hook, tuple)())\n"
        "sys.stderr.write('torch' if 'torch' in sys.modules else 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stderr.endswith("torch")


def import_changes_nothing(subject: Choice) -> None:
    """Importing what its factory names seeds nothing, changes no setting and prints nothing."""
    with needing("spec_is_valid"):
        load(subject.listing)
    factory = subject.listing.spec.factory
    place = factory.rpartition(":")[0] if isinstance(factory, str) else factory.__module__
    for found in _changes(place):
        raise Violation(
            f"importing {place} {found}; expected it to define things and do nothing. Move it "
            "into what needs it, and put back what is everybody's."
        )


@cache
def _changes(place: str) -> list[str]:
    try:
        found: list[str] = ask_apart(changes_of_import, place)
    except Silent as how:
        raise NotApplicable(f"the process that imports {place} {how}") from None
    return found


def changes_of_import(place: str) -> list[str]:
    """Import a module or a file that this process does not have yet, and say what that changed.

    Args:
        place: `package.module` or `path/to/file.py`.

    Returns:
        What it does to everybody, one phrase for each thing.

    Example:
        >>> changes_of_import("this")
        ["prints 'The Zen of Python, by Tim Peters'"]
    """
    before, states = settings(), random_states()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        if place.endswith(".py"):
            runpy.run_path(place)
        else:
            importlib.import_module(place)
    after, later = settings(), random_states()
    found = [
        f"changes {what} from {value} to {after[what]}"
        for what, value in before.items()
        if after[what] != value
    ]
    found += [
        f"moves or seeds the random state of {it}" for it in states if later[it] != states[it]
    ]
    return found + [f"prints {text[:60]!r}" for text in said.getvalue().splitlines()[:1]]


CHECKS: tuple[Check, ...] = (menu_imports_no_torch, import_changes_nothing)
