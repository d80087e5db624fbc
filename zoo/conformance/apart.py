"""Processes of their own, for what may end one, hang it, or leave it changed.

They come from multiprocessing's fork server, which has imported torch and none of the plugins.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from zoo.conformance.case import Case, Report, run_check

_CONTEXT = multiprocessing.get_context("forkserver")
LIMIT = 600.0
"""Seconds that a check may take."""


class Silent(Exception):  # noqa: N818 - what a child did, and how
    """A child process that said nothing: how it ended, or how long it was waited for."""


def run_apart(cases: Sequence[Case], seconds: float = LIMIT) -> Iterator[Report]:
    """Run cases one after another in a child process, with a report of each whatever happens.

    Where the process ends or takes too long, the check that ran has failed, and the others go on
    in a new process.

    Args:
        cases: What to run; their checks are functions of modules.
        seconds: How long each may take.

    Yields:
        Reports, in the order of the cases and as soon as they are there.
    """
    left = list(cases)
    while left:
        with _child(_report_on, left) as listen:
            while left:
                case = left.pop(0)
                try:
                    yield Report(**listen(seconds))
                except Silent as how:
                    message = f"the process that ran it {how}. Expected: {case.law}"
                    yield Report(case.subject.label, case.name, "failed", message)
                    break


def ask_apart(question: Callable[[str], Any], about: str, seconds: float = LIMIT) -> Any:  # noqa: ANN401 - JSON
    """The answer of a function, as JSON has it, from a child process that then ends.

    Args:
        question: A function of a module.
        about: Its argument.
        seconds: How long it may take.

    Raises:
        Silent: If it gives no answer.

    Example:
        >>> from os.path import basename
        >>> ask_apart(basename, "a/b")
        'b'
    """
    with _child(_answer, question, about) as listen:
        return listen(seconds)


def _report_on(channel: Connection, cases: Sequence[Case]) -> None:
    for case in cases:
        channel.send_bytes(json.dumps(asdict(run_check(case))).encode())


def _answer(channel: Connection, question: Callable[[str], Any], about: str) -> None:
    channel.send_bytes(json.dumps(question(about)).encode())


@contextmanager
def _child(target: Callable[..., None], *args: object) -> Iterator[Callable[[float], Any]]:
    """A child process that runs `target(channel, *args)`; gives what listens to it."""
    ours, theirs = _CONTEXT.Pipe()
    with _no_main_module():
        _CONTEXT.set_forkserver_preload(["zoo.conformance.preparation"])
        process = _CONTEXT.Process(target=_settled, args=(target, theirs, *args))
        process.start()
    theirs.close()
    try:
        yield lambda seconds: _hear(ours, process, seconds)
    finally:
        process.kill()
        process.join()
        ours.close()


def _settled(target: Callable[..., None], channel: Connection, *args: object) -> None:
    """Run a function where Ctrl-C is the parent's affair, and standard output nobody's result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)
    target(channel, *args)


def _hear(channel: Connection, process: BaseProcess, seconds: float) -> Any:  # noqa: ANN401 - JSON
    if not wait([channel, process.sentinel], seconds):
        raise Silent(f"took longer than {seconds:g} seconds")
    try:
        if channel.poll():
            return json.loads(channel.recv_bytes())
    except (EOFError, OSError):  # the end of the pipe, or of half a message
        pass
    process.join(1)
    raise Silent(f"ended with status {process.exitcode} before it was done")


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the caller's script, which multiprocessing would otherwise run again in every child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
