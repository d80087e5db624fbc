"""Importing strangers' code without letting it print where results go, or end the process."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def importing_strangers() -> Iterator[None]:
    """Import somebody's code: what it prints goes to standard error, and it cannot end us.

    What it printed would otherwise end up in somebody's CSV, and a process that ended with
    `os._exit(0)` would look like one in which all went well.

    Threads take turns. Of two that swapped `sys.stdout` at once, the second would put the
    first one's back, and the process would have lost its own.

    Example:
        >>> with importing_strangers():
        ...     print("heard by nobody who reads results")
    """
    with _ONE_AT_A_TIME, contextlib.redirect_stdout(sys.stderr):
        before, os._exit = os._exit, _no_exit
        try:
            yield
        finally:
            os._exit = before


def _no_exit(status: int = 0) -> NoReturn:
    raise SystemExit(f"os._exit({status}) was called")
