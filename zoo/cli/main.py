"""Arguments in, exit status out; every fault becomes one paragraph on standard error."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import traceback
from collections.abc import Sequence
from types import FrameType

from zoo.cli.parser import build_parser
from zoo.errors import ZooError

INTERRUPTED = 130
TERMINATED = 143
INTERNAL = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after `zoo`; `None` takes those of the process.

    Returns:
        Exit status: 0 done; 1 something failed, and the table says what; 2 bad usage or bad
        data; 3 a fault of ours, or a result could not be saved; 5 nothing selected or comparable;
        130 or 143 interrupted, with everything finished kept.
    """
    options = build_parser().parse_args(arguments)
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        status: int = options.command(options)
        sys.stdout.flush()
    except ZooError as error:
        return _complain(str(error), error.exit_status)
    except _Terminated:
        return _complain("terminated; everything that had finished is kept.", TERMINATED)
    except KeyboardInterrupt:
        return _complain("interrupted; everything that had finished is kept.", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence
        if os.environ.get("ZOO_TRACEBACK"):
            traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)[-1]
        return _complain(
            f"internal error, a fault of ours: {type(error).__name__}: {error} "
            f"({where.filename}:{where.lineno}). Please report it; "
            "ZOO_TRACEBACK=1 shows how it came about.",
            INTERNAL,
        )
    finally:
        signal.signal(signal.SIGTERM, previous)
    return status


class _Terminated(BaseException):
    """Somebody asked the process to end."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _complain(message: str, status: int) -> int:
    text = " ".join(message.split())
    width = 100 if sys.stderr.isatty() else 10_000
    sys.stderr.write(textwrap.fill(f"zoo: {text}", width, break_on_hyphens=False) + "\n")
    return status
