"""Importing strangers' code without letting it print where results are expected."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def imports_print_to_stderr() -> Iterator[None]:
    """Send what is printed to standard error: it would otherwise end up in somebody's CSV.

    Threads take turns. Of two that swapped `sys.stdout` at once, the second would put the
    first one's back, and the process would have lost its own.

    Example:
        >>> with imports_print_to_stderr():
        ...     print("heard by nobody who reads results")
    """
    with _ONE_AT_A_TIME, contextlib.redirect_stdout(sys.stderr):
        yield
