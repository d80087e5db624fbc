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
def printing_to_stderr() -> Iterator[None]:
    """Send what is printed to standard error: it would otherwise end up in somebody's CSV.

    Threads take turns. Of two that swapped `sys.stdout` at once, the second would put the
    first one's back, and the process would have lost its own.

    Example:
        >>> with printing_to_stderr():
        ...     print("heard by nobody who reads results")
    """
    with _ONE_AT_A_TIME, contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def importing_strangers() -> Iterator[None]:
    """Import somebody's code, which prints where no results go, and cannot end the process.

    One that ended with `os._exit(0)` would look like one in which all went well.

    Example:
        >>> with importing_strangers():
        ...     os._exit(0)
        Traceback (most recent call last):
        SystemExit: os._exit(0) was called
    """
    with printing_to_stderr():
        before, os._exit = os._exit, _no_exit
        try:
            yield
        finally:
            os._exit = before


def _no_exit(status: int = 0) -> NoReturn:
    raise SystemExit(f"os._exit({status}) was called")
