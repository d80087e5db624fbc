"""Text that is safe to print, and small pieces of sentences."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""A text without anything that moves a cursor or turns the direction of writing.

    Example:
        >>> printable("red \x1b[31m")
        'red �[31m'
    """
    return "".join(c if c.isprintable() else "�" for c in text)
