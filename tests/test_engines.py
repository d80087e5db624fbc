"""Laws of engines: wherever a stage is made, the same numbers come home, once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from pickle import dumps, loads
from typing import Any

import pytest

from tests.conftest import Install
from tests.test_resume import FRAIL, interrupt_at, scores
from tests.test_run import TINY, TOY
from zoo.conformance import cases, run_checks
from zoo.engine import Engine, Job, Local
from zoo.errors import LostError, PluginError, UsageError, ZooError
from zoo.harness import alike, execution, parcels
from zoo.harness.engines import build_engine, look
from zoo.harness.errand import Errand
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Event, Run, Watch
from zoo.harness.settings import Settings
from zoo.harness.store import Store
from zoo.registry import installed

MODELS = ["honest", "chatty", "gaussian"]
SETTINGS = replace(TINY, seeds=2, timing_rounds=0)


def travelled(job: Job[Any]) -> Job[Any]:
    """A job as it comes out at the other end."""
    copy: Job[Any] = loads(dumps(job))  # noqa: S301 - our own
    return copy


class Post(Engine):
    """An engine whose jobs travel as they would to another process, and are called by threads.

    Args:
        lose: How many of its first jobs are lost for good.
    """

    def __init__(self, lose: int = 0) -> None:
        self.sent: list[Errand] = []
        self.lose = lose
        self.pool = ThreadPoolExecutor(2)

    def slots(self, device: str) -> dict[str, int]:
        """One host without a GPU."""
        return {"post": 2} if device == "cpu" else {}

    def submit(self, job: Job[Any], *, device: str = "cpu", host: str = "") -> Future[Any]:
        """Call a copy of the job."""
        del device, host
        if isinstance(job, Errand):
            self.sent.append(job)
        if self.lose:
            self.lose -= 1
            lost: Future[Any] = Future()
            lost.set_exception(LostError("its worker was lost"))
            return lost
        return self.pool.submit(travelled(job), self.cancelled)

    def cancelled(self) -> bool:
        """Whether nobody waits for a job any more."""
        return False

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown()


@pytest.fixture
def post(install: Install) -> Iterator[Post]:
    install("zoo-toy", TOY)
    engine = Post()
    yield engine
    engine.close()


def run(
    folder: Path,
    engine: Engine,
    models: list[str] = MODELS,
    settings: Settings = SETTINGS,
    watch: Watch = lambda _: None,
) -> list[dict[str, Any]]:
    plan = make_plan(installed(), models, None, "walks", settings)
    store, jobs = Store(folder).open(), 0 if engine.slots("cpu") else 2
    return Run(plan, store, "cpu", describe(), jobs, watch, engine).execute()


def kept(folder: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of every file of every result but records of when and where."""
    store = Store(folder)
    paths = [path.parent for path in folder.glob("*/*/result.json")]
    return {
        f"{path.parent.name}/{path.name}": store.check(path.parent.name, path.name).files
        for path in paths
    }


def blind(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have errands name a scratch folder that is not there, as on another machine."""

    def elsewhere(errand: Errand, _scratch: Path) -> Errand:
        return parcels.packed(errand, folder / "not-here")

    monkeypatch.setattr(execution, "packed", elsewhere)


@pytest.mark.parametrize("shared", [True, False])
def test_wherever_it_is_made_the_same_comes_home(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    """Through a shared folder or as bytes: the same scores, keys and files as at home."""
    home = run(tmp_path / "home", Local())
    if not shared:
        blind(monkeypatch, tmp_path)
    away = run(tmp_path / "away", post)
    assert scores(away) == scores(home)
    assert [row["key"] for row in away] == [row["key"] for row in home]
    assert kept(tmp_path / "away") == kept(tmp_path / "home")
    assert not list((tmp_path / "away" / "unfinished").iterdir())
    assert any("x" * 1000 in path.read_text() for path in (tmp_path / "away/logs").iterdir())
    assert all(row["made_by"]["hosts"]["train"] for row in away)
    sent = [errand for errand in post.sent if errand.parcels]
    assert bool(sent) != shared
    again = run(tmp_path / "away", Local())
    assert again == away


def test_a_run_goes_on_with_another_engine(post: Post, tmp_path: Path) -> None:
    """Interrupted with one engine and resumed with the other: the scores of an undisturbed run."""
    whole = run(tmp_path / "whole", Local())
    for number, (first, then) in enumerate([(Local(), post), (post, Local())]):
        folder = tmp_path / str(number)
        with pytest.raises(KeyboardInterrupt):
            run(folder, first, watch=interrupt_at("sample", "ok"))
        events: list[Event] = []
        assert scores(run(folder, then, watch=events.append)) == scores(whole)
        assert "kept" in {event.status for event in events if event.stage == "train"}
        assert len(list(Store(folder).rows())) == len(whole)


@pytest.mark.parametrize("away_first", [True, False])
def test_a_training_goes_on_elsewhere_from_its_checkpoint(
    install: Install, post: Post, tmp_path: Path, away_first: bool
) -> None:
    """A child that is killed leaves checkpoints for the next attempt, anywhere, and no longer."""
    install("zoo-frail", FRAIL)
    models = [f"frail[marker={str(tmp_path / 'marker')!r}]"]
    settings = replace(TINY, epochs=6, checkpoint_seconds=0.0, timing_rounds=0)
    first, then = (post, Local()) if away_first else (Local(), post)
    (killed,) = run(tmp_path / "out", first, models, settings)
    assert killed["status"] == "crashed"
    events: list[Event] = []
    whole = run(tmp_path / "out", then, models, settings, events.append)
    if away_first:  # from afar no epochs are heard
        epochs = [event.done for event in events if event.stage == "train" and event.total]
        assert epochs == [4, 5, 6]
    assert scores(whole) == scores(run(tmp_path / "other", Local(), models, settings))
    assert kept(tmp_path / "out").keys() == kept(tmp_path / "other").keys()
    assert not [
        name for files in kept(tmp_path / "out").values() for name in files if "check" in name
    ]


def test_a_worker_that_differs_does_nothing_and_is_named(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version or a source that is another one at the worker ends the run before work starts."""
    known = alike.known

    def newer(stage: Any) -> dict[str, Any]:
        found = known(stage)
        return found | {"versions": found["versions"] | {"torch": "9.9"}}

    monkeypatch.setattr(parcels, "known", newer)
    with pytest.raises(UsageError, match=r"worker .+: versions.torch is .+ there and 9.9 here"):
        run(tmp_path, post)
    assert not list(tmp_path.glob("data/*"))


def test_what_is_lost_is_a_crash_and_what_breaks_ends_the_run(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost job leaves a row that says so, the others go on; an engine that ends says so once."""
    run(tmp_path, post, ["gaussian"])  # the data and the floor
    post.lose = 1
    rows = run(tmp_path, post, ["honest", "chatty"])
    assert sorted(row["status"] for row in rows) == ["crashed", "ok", "ok", "ok"]
    assert "lost" in "".join(row["reason"] for row in rows)

    def broken(*_: object, **__: object) -> Future[Any]:
        ended: Future[Any] = Future()
        ended.set_exception(OSError("connection closed"))
        return ended

    monkeypatch.setattr(post, "submit", broken)
    for first in (lambda: run(tmp_path / "other", post), lambda: look(post, "cpu")):
        with pytest.raises(ZooError, match="could not carry out a job: OSError: connection closed"):
            first()


def test_timing_is_alone_on_its_host_and_says_which(post: Post, tmp_path: Path) -> None:
    """Times taken away from home name the host; nothing else of the run is under way meanwhile."""
    (row,) = run(tmp_path, post, ["honest"], replace(TINY, seeds=1))
    assert row["times"]["cpu"]["host"] == row["made_by"]["machine"]["host"]
    assert [errand.alone for errand in post.sent].count(True) == 1
    assert post.sent[-1].alone
    asked = len(post.sent)
    run(tmp_path, post, ["honest"], replace(TINY, seeds=1))
    assert len(post.sent) == asked


def test_a_host_that_goes_while_it_times_leaves_scores(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to be done on one host is given up with it; the row is there, without times."""
    submit = post.submit

    def away(job: Job[Any], *, device: str = "cpu", host: str = "") -> Future[Any]:
        return Future() if host else submit(job, device=device)

    monkeypatch.setattr(execution, "LOOK_AFTER", 0.01)
    monkeypatch.setattr(post, "submit", away)
    plan = make_plan(installed(), ["honest"], None, "walks", replace(TINY, seeds=1))
    work = Run(plan, Store(tmp_path).open(), "cpu", describe(), 0, lambda _: None, post, "gone")
    (row,) = work.execute()
    assert row["status"] == "ok"
    assert row["times"]["cpu"]["reason"] == "while being timed: host gone is gone"


def test_an_engine_says_what_there_is(post: Post) -> None:
    """The device is that of the workers, whatever the driver has."""
    assert look(Local(), "cpu") == ("cpu", describe(), "")
    assert look(post, "auto") == ("cpu", describe(), "post")
    with pytest.raises(UsageError, match="no worker of the engine has a GPU"):
        look(post, "cuda")


STRANGER = """
    from concurrent.futures import Future
    from dataclasses import dataclass
    import zoo

    @dataclass(frozen=True)
    class Mine(zoo.Engine):
        answer: bool = True
        def __post_init__(self):
            if not self.answer: raise ValueError("there is no engine without an answer.")
        def slots(self, device): return {"mine": 1}
        def submit(self, job, *, device="cpu", host=""):
            future = Future()
            try: future.set_result(job(lambda: False) if "{kind}" == "good" else 7)
            except Exception as error: future.set_exception(error)
            return future
        def close(self): pass

    @zoo.hookimpl
    def zoo_engines():
        yield zoo.EngineSpec(api=1, name="mine", factory="zoo_mine:Mine", summary="one by one")
        yield zoo.EngineSpec(api=1, name="none", factory="builtins:dict", summary="no engine")
"""


def test_anybody_may_bring_an_engine(install: Install) -> None:
    """It is found by its hook, built with its options, and checked like any other plugin."""
    install("zoo-mine", STRANGER.replace("{kind}", "good"))
    with build_engine(installed().find("engine", "mine[answer=True]")) as engine:
        assert engine.slots("cpu") == {"mine": 1}
    with pytest.raises(UsageError, match="refuses its options: there is no engine without"):
        build_engine(installed().find("engine", "mine[answer=False]")).__enter__()
    with pytest.raises(PluginError, match=r"is a dict, no zoo\.Engine"):
        build_engine(installed().find("engine", "none")).__enter__()
    reports = run_checks(cases("zoo-mine/mine"))
    assert {report.status for report in reports} == {"passed"}, reports


def test_an_engine_that_answers_for_its_jobs_is_found_out(install: Install) -> None:
    """The checks see a value that is not the job's own."""
    install("zoo-mine", STRANGER.replace("{kind}", "bad"))
    failed = {one.check for one in run_checks(cases("zoo-mine/mine")) if one.status == "failed"}
    assert failed == {"every_job_comes_back", "failures_come_back", "hosts_take_jobs"}


def test_a_job_that_nobody_waits_for_ends(tmp_path: Path, install: Install) -> None:
    """A training away from home ends soon after its engine says that it was cancelled."""
    install("zoo-toy", TOY)

    class Impatient(Post):
        def cancelled(self) -> bool:
            return any(errand.stages[0].name == "train" for errand in self.sent)

    (row,) = run(tmp_path, Impatient(), ["endless"], replace(SETTINGS, seeds=1))
    assert row["status"] == "interrupted"
