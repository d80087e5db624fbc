"""Prints when it is imported."""

from __future__ import annotations

from tests.wrong.models import Normal

print("hello")  # noqa: T201 - what is wrong with it


class Loud(Normal):
    """Right by itself."""
