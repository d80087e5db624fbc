"""Small pieces of sentences that many errors share, and text that is safe to print."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def printable(text: str) -> str:
    r"""A text without anything that moves a cursor or turns the direction of writing.

    Example:
        >>> printable("red \x1b[31m")
        'red �[31m'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "�" for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question after an unknown word, with a space before it, or nothing.

    Example:
        >>> did_you_mean("ddmi", ["ancestral", "ddim"])
        " Did you mean 'ddim'?"
        >>> did_you_mean("vae", ["ancestral", "ddim"])
        ''
    """
    close = get_close_matches(word, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def counted(number: int, thing: str) -> str:
    """A number of things, in words.

    Example:
        >>> counted(1, "training"), counted(1200, "job")
        ('1 training', '1,200 jobs')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def one_line(error: BaseException, limit: int = 300) -> str:
    r"""An exception as one line without a full stop, cut at `limit` characters.

    Example:
        >>> one_line(ValueError("two\nlines."))
        'ValueError: two lines'
    """
    try:
        text = printable(" ".join(str(error).split())).rstrip(".")
    except Exception:  # noqa: BLE001 - whose __str__ this is, nobody knows
        text = ""
    if len(text) > limit:
        text = text[:limit] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
