"""How much memory a child process and all that it started hold, seen from outside."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def is_known() -> bool:
    """Whether this system says how much memory a process holds."""
    return (_PROC / "self" / "statm").is_file()


def session_memory(leader: int, proc: Path = _PROC) -> int:
    """Memory of all processes of a session, in bytes; 0 where the system does not say.

    What is mapped from files, and so shared with others, does not count.

    Args:
        leader: Number of the process that leads the session.
        proc: Where the system tells of processes.

    Reference:
        proc_pid_stat(5) and proc_pid_statm(5), Linux manual pages.
    """
    pages = 0
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it may be gone by now
            # Its second field, a name in brackets, may hold anything.
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(fields[3]) == leader:
                resident, shared = (folder / "statm").read_bytes().split()[1:3]
                pages += int(resident) - int(shared)
    return pages * os.sysconf("SC_PAGE_SIZE")
