"""Laws of Dask as an engine: two workers, or one that dies, give what one machine gives."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Install
from tests.test_engines import MODELS, kept, run
from tests.test_resume import interrupt_at, scores
from tests.test_run import TINY, TOY
from zoo.conformance.engines import CHECKS
from zoo.engine import Cancelled, Local
from zoo.errors import LostError, UsageError
from zoo.harness.run import Event
from zoo.harness.store import Store
from zoo.registry import installed
from zoo_plugins.engines.dask_engine import Dask

pytest.importorskip("distributed", reason="needs polymer-zoo[dask]")
dask = pytest.importorskip("dask")

DEADLY = """
    import os, signal
    from multiprocessing import parent_process
    from pathlib import Path
    import zoo
    from zoo_toy import Honest

    class Deadly(Honest):
        def __init__(self, shape, *, marker: str = ""):
            super().__init__(shape)
            self.marker = marker
        def loss(self, x):
            if self.marker and not Path(self.marker).exists():
                Path(self.marker).touch()
                os.kill(parent_process().pid, signal.SIGKILL)
            return super().loss(x)

    @zoo.hookimpl
    def zoo_models():
        yield zoo.ModelSpec(api=1, name="deadly", factory="zoo_deadly:Deadly", summary="",
                            offers={"draw"})
"""


@pytest.fixture
def workers(install: Install) -> Iterator[Dask]:
    """Two workers of this machine, which know the toy models."""
    install("zoo-toy", TOY)
    install("zoo-deadly", DEADLY)
    engine = Dask(workers=2)
    yield engine
    engine.close()


def test_two_workers_give_what_one_machine_gives_though_one_is_killed(
    workers: Dask, tmp_path: Path
) -> None:
    """Keys, scores and files are the same, byte for byte, and no row is there twice.

    A worker is killed by what it trains; that training is done again by another, and by no
    third.
    """
    models = [*MODELS, f"deadly[marker={str(tmp_path / 'marker')!r}]"]
    events: list[Event] = []
    away = run(tmp_path / "away", workers, models, watch=events.append)
    assert (tmp_path / "marker").exists()
    home = run(tmp_path / "home", Local(), models)
    assert {row["status"] for row in away} == {"ok"}
    assert scores(away) == scores(home)
    assert [row["key"] for row in away] == [row["key"] for row in home]
    assert kept(tmp_path / "away") == kept(tmp_path / "home")
    assert len(list(Store(tmp_path / "away").rows())) == len(home)
    ends = [(event.job, event.stage) for event in events if event.status]
    assert len(ends) == len(set(ends))
    assert all(event.host for event in events if event.status == "ok")


def test_a_run_goes_on_with_dask_and_from_it(workers: Dask, tmp_path: Path) -> None:
    """Half of it with either engine is the whole of it, whichever comes first; times are there."""
    settings = replace(TINY, seeds=2)
    whole = run(tmp_path / "whole", Local(), settings=settings)
    for number, (first, then) in enumerate([(Local(), workers), (workers, Local())]):
        folder = tmp_path / str(number)
        with pytest.raises(KeyboardInterrupt):
            run(folder, first, settings=settings, watch=interrupt_at("score", "ok"))
        rows = run(folder, then, settings=settings)
        assert scores(rows) == scores(whole)
        assert all(row["times"]["cpu"]["batch_seconds"] for row in rows)
        assert len(list(Store(folder).rows())) == len(whole)


def killer(_cancelled: Cancelled) -> None:
    """A job that kills its worker, wherever it is."""
    os.kill(os.getpid(), signal.SIGKILL)


def waiter(cancelled: Cancelled) -> None:
    """A job that ends only when nobody waits for it, and says so."""
    deadline = time.monotonic() + 60
    while not cancelled() and time.monotonic() < deadline:
        time.sleep(0.05)
    Path(os.environ["WAITED"]).write_text(str(time.monotonic() < deadline))


def test_what_kills_every_worker_is_given_up(workers: Dask) -> None:
    """A job that no worker survives is lost in the end; the engine goes on."""
    with pytest.raises(LostError, match="its worker was lost"):
        workers.submit(killer).result(120)
    assert workers.submit(_pid).result(60) != os.getpid()


def _pid(_cancelled: Cancelled) -> int:
    return os.getpid()


def test_a_cancelled_job_ends_where_it_runs(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job is told when its future has been cancelled."""
    del install
    monkeypatch.setenv("WAITED", str(tmp_path / "waited"))
    engine = Dask(workers=1)
    try:
        future = engine.submit(waiter)
        while not any(engine._client.processing().values()):
            pass
        assert future.cancel()
        assert engine.submit(_pid).result(60) > 0
        assert (tmp_path / "waited").read_text() == "True"
    finally:
        engine.close()


def lingerer(cancelled: Cancelled) -> int:
    """A job that is never done in the first process that has it."""
    marker = Path(os.environ["LINGERS"])
    if not marker.exists():
        marker.write_text(str(os.getpid()))
        deadline = time.monotonic() + 60
        while not cancelled() and time.monotonic() < deadline:
            time.sleep(0.05)
    return os.getpid()


def test_a_worker_that_is_retired_has_its_job_done_again(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came of it there is half done, and is not taken for what the job returns."""
    del install
    marker = tmp_path / "lingers"
    monkeypatch.setenv("LINGERS", str(marker))
    engine = Dask(workers=2)
    try:
        asked = engine.submit(lingerer)
        while not marker.exists():
            assert not wait([asked], 0.05).done
        busy = [at for at, jobs in engine._client.processing().items() if jobs]
        engine._client.retire_workers(busy)
        assert str(asked.result(60)) != marker.read_text()
    finally:
        engine.close()


def test_the_key_that_interrupts_is_for_the_driver(workers: Dask) -> None:
    """A terminal sends its signal to workers as well, which the driver ends itself."""
    workers.slots("cpu")
    handlers = workers._client.run(signal.getsignal, signal.SIGINT)
    assert list(handlers.values()) == [signal.SIG_IGN] * 2


def test_a_cluster_that_is_there_is_joined(workers: Dask, tmp_path: Path) -> None:
    """By its address or its file; it is still there when the one who joined has gone."""
    workers.slots("cpu")
    address = workers._cluster.scheduler_address
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address}))
    for engine in (Dask(scheduler=address), Dask(file=str(file))):
        assert engine.slots("cpu") == {"127.0.0.1": 2}
        assert engine.slots("cuda") == {}
        engine.close()
    assert workers.slots("cpu") == {"127.0.0.1": 2}


def test_each_gpu_has_a_worker_of_its_own(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many workers as GPUs see one each, the others none, and a job for a GPU goes to these."""
    del install
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,5")
    engine = Dask(workers=3, gpus=2)
    try:
        assert engine.slots("cuda") == {"127.0.0.1": 2}
        assert engine.slots("cpu") == {"127.0.0.1": 3}
        seen = {engine.submit(_gpus, device="cuda").result(60) for _ in range(20)}
        assert seen <= {"7", "5"}
        everywhere = engine._client.run(_gpus, lambda: False)
        assert sorted(everywhere.values()) == ["", "5", "7"]
    finally:
        engine.close()


def _gpus(_cancelled: Cancelled) -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_dask_keeps_to_the_contract(check: object) -> None:
    """What every engine must keep to."""
    assert callable(check)
    check(installed().find("engine", "dask[workers=1]"))


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package, no scheduler, or options that do not go together: one sentence each."""
    with pytest.raises(ValueError, match="more than one of scheduler, file and workers"):
        Dask(workers=1, scheduler="tcp://x:1")
    with pytest.raises(ValueError, match="at most one GPU for each worker"):
        Dask(workers=1, gpus=2)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}),
        pytest.raises(UsageError, match=r"no Dask cluster with workers at 'tcp://127\.0\.0\.1:9'"),
    ):
        Dask(scheduler="tcp://127.0.0.1:9").slots("cpu")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'polymer-zoo\[dask\]'"):
        Dask().slots("cpu")
