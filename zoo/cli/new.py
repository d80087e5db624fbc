"""The command that begins a plugin."""

from __future__ import annotations

import argparse
import shlex
import sys

from zoo.cli.shared import registry_of


def new(options: argparse.Namespace) -> int:
    """`zoo new NAME`: write a package around a small plugin that works."""
    from zoo.conformance.scaffold import first_run, scaffold

    registry = registry_of(options)
    made = scaffold(options.name, options.kind, options.folder, registry=registry)
    files = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    sys.stdout.write(f"{made}\n" + "".join(f"  {path}\n" for path in files))
    name = made.name.removeprefix("zoo-")
    place = shlex.quote(str(made) if made.is_absolute() else f"./{made}")
    steps = (f"pip install -e {place}", f"zoo check {name}", first_run(name, options.kind))
    sys.stdout.write("next:\n" + "".join(f"  {step}\n" for step in steps))
    return 0
