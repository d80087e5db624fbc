"""Arguments in, exit status out; every fault becomes one paragraph on standard error."""

from __future__ import annotations

import logging
import os
import signal
import sys
import textwrap
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from types import FrameType

from zoo.cli.parser import build_parser
from zoo.cli.shared import note
from zoo.errors import ZooError
from zoo.wording import printable

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
    if arguments is None:
        _begin_in_utf8()
    _speak_utf8()
    options = build_parser().parse_args(arguments)
    if options.offline:
        os.environ["ZOO_OFFLINE"] = "1"  # children inherit it
    previous = {number: signal.signal(number, _end_politely) for number in _STATUS}
    try:
        status: int = options.command(options)
        sys.stdout.flush()
    except ZooError as error:
        return _complain(str(error), error.exit_status)
    except _Terminated:
        return _complain(f"terminated; {_KEPT}", TERMINATED)
    except KeyboardInterrupt:
        return _complain(f"interrupted; {_KEPT}", INTERRUPTED)
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
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status


_STATUS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
_KEPT = "everything that had finished is kept, and the same command goes on from there."


class _Terminated(BaseException):
    """Somebody asked the process to end."""


def _end_politely(number: int, _frame: FrameType | None) -> None:
    """End the children and keep what they have finished; the second time, end at once."""
    for other in _STATUS:
        signal.signal(other, _end_at_once)
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    """End without another word: children end by themselves when we are gone."""
    if sys.stderr.isatty():
        os.write(2, b"\x1b[?25h")  # the cursor, which a progress bar hides
    os._exit(_STATUS[signal.Signals(number)])


def _begin_in_utf8() -> None:
    """Begin anew in UTF-8 mode, where names of files would otherwise be taken for ASCII."""
    if not sys.flags.utf8_mode and sys.getfilesystemencoding().lower() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606


def _speak_utf8() -> None:
    """Print as we write files, in UTF-8, also where the locale is an ASCII one."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower() != "utf-8":
            # What came from the system in bytes that are no UTF-8 goes back to it as such.
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


class _Notes(logging.Handler):
    """Says on standard error what the library has to say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say one thing."""
        note(record.getMessage())


logging.getLogger("zoo").addHandler(_Notes())


def _complain(message: str, status: int) -> int:
    text = printable(" ".join(message.split()))
    width = 100 if sys.stderr.isatty() else 10_000
    sys.stderr.write(textwrap.fill(f"zoo: {text}", width, break_on_hyphens=False) + "\n")
    return status
