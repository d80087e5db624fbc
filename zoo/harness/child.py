"""What happens inside a child process: settle in, do the one thing, leave by a file.

Everything a plugin could do to a process (crash it, fill its memory, print without end,
start threads) happens here, and here only. Messages to the driver are JSON, never pickles.
The driver imports this module to name its functions; torch is imported when they run.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from zoo.errors import PluginError
from zoo.harness.clocked import Clocked
from zoo.harness.stages import Stage, Tell

OUTCOME = "outcome.json"

STACKS = "stacks.txt"
"""Where a child writes down what it is doing when it gets the signal USR1."""

ORPHANED = 60.0
"""Seconds after its limit at which a child ends by itself, should nobody be left to end it."""


Pipes = tuple[Connection, Connection]
"""Where messages go to and fro, and where output goes."""


@dataclass(frozen=True)
class Place:
    """Where a stage is made.

    Args:
        folder: Its folder.
        seconds: How long it may take.
        claim: The claim to that folder: nobody else gets it while the child is there.
    """

    folder: Path
    seconds: float
    claim: object


def run_stage(stage: Stage, place: Place, pipes: Pipes, threads: int) -> None:
    """Run a stage and leave `outcome.json` in its folder."""
    channel, output = pipes
    folder = place.folder
    _settle_in(output, threads)
    stacks = (folder / STACKS).open("w", encoding="utf-8")  # the log may be full by then
    faulthandler.register(signal.SIGUSR1, stacks)
    # Not even code that never lets Python run again outlives this.
    faulthandler.dump_traceback_later(min(place.seconds, 1e8) + ORPHANED, exit=True)

    def tell(message: dict[str, Any]) -> None:
        _send(channel, message)

    tell({})
    outcome = _guarded(lambda: _work(stage)(stage, folder, tell))
    (folder / STACKS).unlink()
    (folder / OUTCOME).write_text(json.dumps(outcome, allow_nan=False))
    _leave()


def run_clock(subject: Clocked, pipes: Pipes, threads: int) -> None:
    """Load what is to be timed, then answer requests about it (see `zoo.harness.clock`)."""
    channel, output = pipes
    _settle_in(output, threads)

    def serve() -> dict[str, Any]:
        from zoo.harness.clock import attendant

        answer = attendant(subject)
        _send(channel, {"ready": True})
        while (request := json.loads(channel.recv_bytes())) is not None:
            _send(channel, answer(request))
        return {}

    outcome = _guarded(serve)
    if outcome["status"] != "ok":
        _send(channel, outcome)
    _leave()


Work = Callable[[Any, Path, Tell], dict[str, Any]]


def _work(stage: Stage) -> Work:
    """The function that does what a stage records."""
    from zoo.harness import (
        data,
        density,
        guidance,
        latent,
        power,
        sampling,
        scoring,
        steering,
        training,
    )

    work: dict[str, Work] = {
        "data": data.materialise,
        "train": training.train_stage,
        "density": density.density_stage,
        "steer": steering.steer_stage,
        "sample": sampling.sample_stage,
        "latent": latent.latent_stage,
        "windows": guidance.windows_stage,
        "hit": guidance.hit_stage,
        "score": scoring.score_stage,
        "floor": scoring.floor_stage,
        "power": power.power_stage,
    }
    return work[stage.name]


def _guarded(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    import torch

    try:
        return {"status": "ok", "facts": work()}
    except (MemoryError, torch.OutOfMemoryError) as error:
        traceback.print_exc()
        return {"status": "oom", "reason": f"out of memory: {_first_line(error)}"}
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything at all
        traceback.print_exc()
        if _NO_MEMORY in str(error):
            return {"status": "oom", "reason": f"out of memory: {_first_line(error)}"}
        if isinstance(error, PluginError):
            return {"status": error.job_status, "reason": _first_line(error)}
        return {"status": "error", "reason": f"{type(error).__name__}: {_first_line(error)}"}


_NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"
"""What torch says on a CPU, in a `RuntimeError` like any other."""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0][:500]


def _settle_in(output: Connection, threads: int) -> None:
    """A session of its own, output to the driver, an end when the driver ends."""
    import torch

    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # as the fork server has it blocked
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]
            line_buffering=True, encoding="utf-8", errors="backslashreplace"
        )
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    faulthandler.enable()
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End with all that a plugin has started, once the driver has gone."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _send(channel: Connection, message: dict[str, Any]) -> None:
    with suppress(OSError):  # nobody listens any more: not our business
        channel.send_bytes(json.dumps(message).encode())


def _leave() -> None:
    """End at once, without waiting for threads a plugin may have left behind."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
