"""What is installed, and what a name such as `ode[steps=20]` means.

Hooks, discovery, names, options and the import of factories live here; running anything does
not. The harness, the conformance kit and the command line may come in; pluggy stays inside.
"""

from zoo.registry.choice import Choice
from zoo.registry.discovery import discover, installed
from zoo.registry.factories import load_factory, source_hash
from zoo.registry.hookspecs import HOOKS
from zoo.registry.listing import FIRST_PARTY, Listing, Plugin, fits, usable
from zoo.registry.names import Registry

__all__ = [
    "FIRST_PARTY",
    "HOOKS",
    "Choice",
    "Listing",
    "Plugin",
    "Registry",
    "discover",
    "fits",
    "installed",
    "load_factory",
    "source_hash",
    "usable",
]
