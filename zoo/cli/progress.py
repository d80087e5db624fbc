"""A run as it goes, on standard error: live bars on a terminal, a line per event elsewhere."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from zoo.harness.run import Event

_DOING = {
    "data": "making the data",
    "train": "training",
    "density": "evaluating",
    "sample": "drawing",
    "score": "scoring",
    "floor": "measuring the floor",
    "time": "timing",
    "power": "spoiling by",
    "latent": "looking into",
    "steer": "learning to steer",
    "windows": "drawing the truth of",
    "hit": "comparing",
}


class ProgressDisplay:
    """Shows events; a context manager, to be called with each.

    Args:
        total: How many stages will end in all, as far as is known.
    """

    def __init__(self, total: int) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._whole = self._bars.add_task("whole run", total=total, loss="")
        self._running: dict[tuple[str, str], TaskID] = {}
        self._hosts: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> ProgressDisplay:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            if event.status:
                self._end(event)
            else:
                self._go_on(event)

    def _go_on(self, event: Event) -> None:
        job = (event.job, event.stage)
        loss = "" if event.loss is None else f"loss {event.loss:.4g}"
        if job not in self._running:
            name = escape(f"{_DOING[event.stage]} {event.job}")
            self._running[job] = self._bars.add_task(name, loss=loss)
        self._bars.update(
            self._running[job], completed=event.done, total=event.total or None, loss=loss
        )

    def _end(self, event: Event) -> None:
        task = self._running.pop((event.job, event.stage), None)
        if task is not None:
            self._bars.remove_task(task)
        self._bars.advance(self._whole)
        if event.host:
            self._count(event.host)
        where = f" on {event.host}" if event.host else ""
        if event.status in ("ok", "kept"):
            quiet = self._bars.disable is False or event.status == "kept"
            if not quiet:
                self._say(f"{_DOING[event.stage]} {event.job}: done{where}")
        else:
            self._say(f"{_DOING[event.stage]} {event.job}: {event.status}{where}: {event.reason}")

    def _count(self, host: str) -> None:
        """Show how much a host has done of the whole."""
        if host not in self._hosts:
            total = self._bars.tasks[0].total
            self._hosts[host] = self._bars.add_task(escape(f"done on {host}"), total=total, loss="")
        self._bars.advance(self._hosts[host])

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
