"""Two hosts on one machine: names, networks and folders of their own, and a cable to be cut."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.conftest import Install
from tests.test_engines import MODELS, kept, run
from tests.test_resume import scores
from tests.test_run import TINY, TOY
from zoo.engine import Local
from zoo.harness.run import Event
from zoo.harness.settings import Settings
from zoo.harness.store import Store
from zoo_plugins.engines.dask_engine import Dask

pytest.importorskip("distributed", reason="needs polymer-zoo[dask]")

SETTINGS = Settings(
    "tiny", epochs=40, seeds=4, draws=200, batch=64, floor_repeats=4,
    timing_rounds=TINY.timing_rounds, round_seconds=TINY.round_seconds,
)  # fmt: skip

SOON = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "OMP_NUM_THREADS": "1",
}
"""How soon Dask believes that a host has gone."""


def ip(*words: str) -> None:
    """Change the network of this machine."""
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S607


@dataclass(frozen=True)
class Host:
    """A network of its own, with one cable to this machine.

    Args:
        number: Which; its address is 10.213.number.2, and ours there ends in 1.
        folder: For its temporary files; a short name, since sockets lie in it.
    """

    number: int
    folder: Path

    @property
    def name(self) -> str:
        """Its name, and that of its network."""
        return f"zoo{os.getpid()}-{self.number}"

    @property
    def cable(self) -> str:
        """Our end of its cable."""
        return f"zc{os.getpid()}.{self.number}"

    def build(self) -> None:
        """Make the network.

        Raises:
            CalledProcessError: If that is not permitted.
        """
        net = f"10.213.{self.number}"
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("address", "add", f"{net}.1/24", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"]):
            ip("-n", self.name, *words)
        ip("-n", self.name, "address", "add", f"{net}.2/24", "dev", "eth0")

    def start(self, port: int, hidden: Path | None) -> subprocess.Popen[bytes]:
        """Start a worker on it.

        Args:
            port: The scheduler's.
            hidden: A folder of the driver's whose content it cannot see.
        """
        hide = f"mount -t tmpfs none {hidden} && " if hidden else ""
        worker = f"{sys.executable} -m distributed.cli.dask_worker --nthreads 1 --no-dashboard"
        command = f"{hide}hostname {self.name} && exec {worker} tcp://10.213.{self.number}.1:{port}"
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, "unshare", "--uts", "--mount", "sh", "-c", command],  # noqa: S607
            env=os.environ | SOON | {"TMPDIR": str(self.folder)},
        )

    def remove(self) -> None:
        """Take everything away again."""
        for words in (["link", "delete", self.cable], ["netns", "delete", self.name]):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip(*words)


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts, where we may make any."""
    found = [Host(number, Path(mkdtemp(prefix="zh"))) for number in (1, 2)]
    if shutil.which("ip") is None or os.getuid() != 0:
        pytest.skip("network namespaces take root and iproute2")
    try:
        for host in found:
            host.build()
        yield found
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not permitted here: {error.stderr.decode().strip()}")
    finally:
        for host in found:
            host.remove()
            shutil.rmtree(host.folder, ignore_errors=True)


@contextlib.contextmanager
def cluster(hosts: list[Host], folder: Path, hidden: Path) -> Iterator[Path]:
    """A scheduler here and a worker on each host, the second without our disk; its file."""
    file = folder / "scheduler.json"
    words = ["--host", "0.0.0.0", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]  # noqa: S104
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *words]
    started = [subprocess.Popen(command, env=os.environ | SOON)]
    try:
        while not file.exists() or not file.read_text().endswith("}"):
            assert started[0].poll() is None
        port = int(json.loads(file.read_text())["address"].rpartition(":")[2])
        file.write_text(json.dumps({"address": f"tcp://127.0.0.1:{port}"}))
        started += [hosts[0].start(port, None), hosts[1].start(port, hidden)]
        yield file
    finally:
        for process in reversed(started):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def test_a_host_that_is_cut_off_costs_nothing_but_time(
    hosts: list[Host], install: Install, tmp_path: Path
) -> None:
    """Both hosts work, one without our disk; its cable is cut; all is there, and nothing twice."""
    install("zoo-toy", TOY)
    out = tmp_path / "away"
    out.mkdir()
    cut = threading.Event()
    events: list[Event] = []

    def watch(event: Event) -> None:
        events.append(event)
        if event.host == hosts[1].name and event.stage == "train" and not cut.is_set():
            cut.set()
            ip("link", "set", hosts[1].cable, "down")

    with cluster(hosts, tmp_path, out) as file:
        engine = Dask(file=str(file))
        try:
            engine._client.wait_for_workers(2, timeout=120)
            away = run(out, engine, MODELS, SETTINGS, watch)
        finally:
            engine.close()
    assert cut.is_set()
    home = run(tmp_path / "home", Local(), MODELS, SETTINGS)
    assert {row["status"] for row in away} == {"ok"}
    assert scores(away) == scores(home)
    assert kept(out).keys() >= {name for name in kept(tmp_path / "home") if "time" not in name}
    assert len(list(Store(out).rows())) == len(home) == len(away)
    ends = [(event.job, event.stage) for event in events if event.status]
    assert len(ends) == len(set(ends))
    assert {event.host for event in events if event.status == "ok" and event.stage == "train"} == {
        host.name for host in hosts
    }
    timed = {row["times"]["cpu"]["host"] for row in away}
    assert timed == {hosts[0].name}
