"""Values of options: text in, the value out, or a sentence about what is wrong with it."""

from __future__ import annotations

import argparse
import math

from zoo.harness.stages import OBSERVABLE_NAMES


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text) if text.lstrip("+-").isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def natural(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def wanted(text: str) -> tuple[str, float]:
    """An observable and the value it is wanted to have, as in rg=2.0."""
    name, _, value = text.partition("=")
    if name not in OBSERVABLE_NAMES:
        known = " or ".join(f"{one}=VALUE" for one in OBSERVABLE_NAMES)
        raise argparse.ArgumentTypeError(f"{text!r} names no observable: expected {known}")
    return name, length(value)


def length(text: str) -> float:
    """A length in σ."""
    return _number(text, "positive length in σ")


def scale(text: str) -> float:
    """How strongly something counts."""
    return _number(text, "positive number")


def seconds(text: str) -> float:
    """A time."""
    return _number(text, "positive number of seconds")


def gigabytes(text: str) -> float:
    """An amount of memory."""
    return _number(text, "positive number of gigabytes")


def blocked(text: str) -> str:
    """The name of a plugin that is not to be loaded."""
    prefix, _, name = text.partition(":")
    if prefix != "no" or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form no:NAME")
    return name


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a {what}")
    return number
