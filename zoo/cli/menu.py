"""What a command may choose from."""

from __future__ import annotations

import argparse

from zoo.registry import Registry, installed


def registry_of(options: argparse.Namespace) -> Registry:
    """What is installed, less what the command line leaves out."""
    return installed(options.blocked, first_party_only=options.no_plugins)
