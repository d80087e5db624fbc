"""A line on stderr for whatever a run has ended, so that hours are not silent."""

from __future__ import annotations

import sys

from zoo.harness.run import Event


def tell(event: Event) -> None:
    """Say how a stage ended; a watch as `zoo.run` takes it."""
    if event.status:
        print(event.stage, event.job, event.status, event.reason, file=sys.stderr, flush=True)
