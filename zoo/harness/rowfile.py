"""Rows as files: which of them are read, and which are refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.harness.whole import unseal

SCHEMA = 2
"""Number of the form that rows have; those with lower numbers are read as they are."""

_SHAPE: Mapping[type, tuple[str, ...]] = {
    str: (
        *("model", "sampler", "dataset", "status", "reason", "measured", "settings.preset"),
        *(f"made_by.{name}" for name in ("code", "data_sha256", "device", "trained_on")),
        *(f"made_by.model.{name}" for name in ("plugin", "version", "source")),
        *(f"made_by.sampler.{name}" for name in ("plugin", "version")),
        *(f"made_by.machine.{name}" for name in ("cpu", "gpu", "torch", "zoo", "commit")),
    ),
    int: (
        *("schema", "seed", "settings.draws", "settings.batch"),
        *("made_by.timing_threads", "made_by.machine.cores"),
    ),
    dict: ("values", "faults", "floors", "times"),
}
"""What must be where in a row that has no seal, by the names that lead there."""


def read_row(path: Path) -> dict[str, Any]:
    """Read a row that was kept.

    Args:
        path: Its file.

    Raises:
        ValueError: If it is not what was kept, or no row at all.
        UsageError: If a newer version has written it.
        OSError: If it cannot be read.
    """
    row, sealed = unseal(path.read_bytes())
    if not sealed:  # an earlier version has written it
        _check_shape(row)
    number = row.get("schema")
    if isinstance(number, int) and number > SCHEMA:
        raise UsageError(
            f"{str(path)!r} was written by a newer zoo: its schema is {number}, and this one reads "
            f"up to {SCHEMA}. Install a newer polymer-zoo, or choose another folder."
        )
    return row


def find_row(path: Path) -> dict[str, Any]:
    """Read a row if there is one; what is no row is named, and taken for none.

    Args:
        path: Its file.

    Raises:
        UsageError: If a newer version has written it.
    """
    try:
        return read_row(path)
    except FileNotFoundError:
        pass
    except UsageError:
        raise
    except (OSError, ValueError) as fault:
        text = "%r is left out: %s. The command that made it makes it again."
        logging.getLogger("zoo").warning(text, str(path), fault)
    return {}


def _check_shape(row: Mapping[str, Any]) -> None:
    for kind, paths in _SHAPE.items():
        for path in paths:
            found: Any = row
            for name in path.split("."):
                found = found.get(name) if isinstance(found, Mapping) else None
            if not isinstance(found, kind):
                raise ValueError(f"{path} is {found!r:.40} in it")
