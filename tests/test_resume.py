"""Laws of going on: whatever ends a run, nothing kept is lost, and the scores are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Install
from tests.test_run import TINY, TOY
from zoo.board.leaderboard import leaderboard
from zoo.cli import main as command
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Event, Run, Watch
from zoo.harness.settings import Settings
from zoo.harness.store import Store
from zoo.registry import installed

SETTINGS = replace(TINY, epochs=6, checkpoint_seconds=0.0)

FRAIL = """
    import os, signal
    from pathlib import Path
    import torch, zoo
    from torch import nn

    class Frail(zoo.OneShot):
        recipe = zoo.Recipe(batch_size=100, ema=0.9)
        def __init__(self, shape, *, marker: str = "", epoch: int = 3):
            super().__init__()
            self.shape, self.marker, self.stop = shape, marker, 3 * epoch
            self.log_scale = nn.Parameter(torch.tensor(-1.0))
        def loss(self, x):
            self.stop -= 1
            if self.stop < 0 and self.marker and not Path(self.marker).exists():
                Path(self.marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            z = x.diff(dim=1) / self.log_scale.exp() + 0.1 * torch.randn(())
            return z.square().mean() / 2 + self.log_scale
        def draw(self, n):
            return self.log_scale.exp() * torch.randn(n, *self.shape).cumsum(1)

    @zoo.hookimpl
    def zoo_models():
        yield zoo.ModelSpec(api=1, name="frail", factory="zoo_frail:Frail", summary="",
                            offers={"draw"})
"""


def prepare(
    folder: Path, models: list[str], settings: Settings = SETTINGS, watch: Watch = lambda _: None
) -> Run:
    plan = make_plan(installed(), models, None, "walks", settings)
    return Run(plan, Store(folder).open(), "cpu", describe(), jobs=1, watch=watch)


def scores(rows: list[dict[str, Any]]) -> list[Any]:
    """All that a run found out about quality."""
    names = ("values", "replicates", "without", "floors", "parameters", "epochs", "nfe")
    return [[row[name] for name in names] for row in rows]


def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been(
    install: Install, tmp_path: Path
) -> None:
    """A child that is killed in an epoch leaves a row; the next run goes on from that epoch."""
    install("zoo-toy", TOY)
    install("zoo-frail", FRAIL)
    marker = tmp_path / "marker"
    models = [f"frail[marker={str(marker)!r}]"]
    (killed,) = prepare(tmp_path / "out", models).execute()
    assert killed["status"] == "crashed"
    assert "signal 9" in killed["reason"]
    assert list((tmp_path / "out" / "unfinished").glob("*/checkpoint-*"))
    events: list[Event] = []
    whole = prepare(tmp_path / "out", models, watch=events.append).execute()
    steps = [event.done for event in events if event.stage == "train" and event.total]
    assert steps == [4, 5, 6]
    undisturbed = prepare(tmp_path / "other", models).execute()
    assert scores(whole) == scores(undisturbed)
    rows = list(Store(tmp_path / "out").rows())
    assert [row["status"] for row in rows] == ["ok"]
    assert not list((tmp_path / "out" / "unfinished").iterdir())


def interrupt_at(stage: str, status: str = "") -> Watch:
    """Send the signal of Ctrl-C when a stage of any job goes on, or has ended so."""
    sent: list[Event] = []

    def watch(event: Event) -> None:
        if event.stage == stage and (event.status or "") == status and not sent:
            sent.append(event)
            os.kill(os.getpid(), signal.SIGINT)

    return watch


@pytest.mark.parametrize(("stage", "status"), [("train", ""), ("sample", "ok"), ("score", "ok")])
def test_an_interrupted_run_has_a_row_for_every_job(
    install: Install, tmp_path: Path, stage: str, status: str
) -> None:
    """What had ended has its scores; the rest is interrupted or skipped; going on mends it."""
    install("zoo-toy", TOY)
    models = ["honest", "chatty", "gaussian"]
    settings = replace(SETTINGS, epochs=300)  # long enough to be in it when the signal comes
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "out", models, settings, interrupt_at(stage, status)).execute()
    rows = {row["model"]: row for row in Store(tmp_path / "out").rows()}
    assert set(rows) == set(models)
    assert {row["status"] for row in rows.values()} <= {"ok", "interrupted", "skipped"}
    assert rows["gaussian"]["status"] == "skipped"
    assert bool(rows["honest"]["values"]) == (rows["honest"]["status"] == "ok")
    assert "failed" in set(leaderboard(rows.values())["part"])
    again = prepare(tmp_path / "out", models, settings).execute()
    assert [row["status"] for row in again] == ["ok"] * 3
    assert len(list(Store(tmp_path / "out").rows())) == 3
    undisturbed = prepare(tmp_path / "other", models, settings).execute()
    assert scores(again) == scores(undisturbed)


def test_interrupting_what_is_kept_loses_nothing(install: Install, tmp_path: Path) -> None:
    """A second run of the same command that is interrupted leaves the first one's rows."""
    install("zoo-toy", TOY)
    prepare(tmp_path, ["honest"]).execute()
    before = list(Store(tmp_path).rows())
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, ["honest"], watch=interrupt_at("floor", "kept")).execute()
    assert list(Store(tmp_path).rows()) == before


SCRIPT = """
    import sys
    from pathlib import Path
    from tests.test_resume import SETTINGS, prepare

    def say(event):
        print(event.stage, event.status, event.done, flush=True)

    prepare(Path(sys.argv[1]), sys.argv[2:], SETTINGS, say).execute()
    print("done", flush=True)
"""


def start(folder: Path, *models: str) -> subprocess.Popen[str]:
    """Run models in a process of its own that tells what happens."""
    words = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), *models]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("moment", ["data ", "train  4", "train ok", "sample ok", "score ok"])
def test_killing_the_parent_loses_nothing(install: Install, tmp_path: Path, moment: str) -> None:
    """Wherever the driver is killed: no result is half there, and the next run has them all."""
    install("zoo-toy", TOY)
    with start(tmp_path / "out", "honest") as driver:
        assert driver.stdout
        for line in driver.stdout:
            if line.startswith(moment):
                driver.kill()
                break
    store = Store(tmp_path / "out").open()
    for path in store.root.glob("*/*/result.json"):
        store.check(path.parent.parent.name, path.parent.name)
    events: list[Event] = []
    (row,) = prepare(tmp_path / "out", ["honest"], watch=events.append).execute()
    announced = {"train ok": "train", "sample ok": "sample", "score ok": "score"}
    if moment in announced:
        assert announced[moment] in {event.stage for event in events if event.status == "kept"}
    undisturbed = prepare(tmp_path / "other", ["honest"]).execute()
    assert scores([row]) == scores(undisturbed)
    assert len(list(Store(tmp_path / "out").rows())) == 1


def test_two_runs_in_one_folder_share_the_work(install: Install, tmp_path: Path) -> None:
    """Two runs at once end well with the same rows, and nothing is trained twice."""
    install("zoo-toy", TOY)
    drivers = [start(tmp_path / "out", "honest", "chatty") for _ in range(2)]
    said = [driver.communicate()[0].splitlines() for driver in drivers]
    assert [lines[-1] for lines in said] == ["done", "done"]
    ends = [line.rsplit(" ", 1)[0] for lines in said for line in lines[:-1]]
    assert ends.count("train ok") == 2
    assert ends.count("train kept") == 2
    undisturbed = prepare(tmp_path / "other", ["honest", "chatty"]).execute()
    rows = {row["model"]: row for row in Store(tmp_path / "out").rows()}
    assert scores([rows["honest"], rows["chatty"]]) == scores(undisturbed)


def test_the_second_interrupt_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first signal of either kind asks politely, any further one ends the process."""
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for first, error in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, BaseException)):
            with pytest.raises(error):
                end_politely(first)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended == [130, 143, 130, 143]


def end_politely(number: int) -> None:
    """What the command line does at the first signal."""
    polite: Callable[..., None] = sys.modules["zoo.cli.main"]._end_politely
    polite(number, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_its_status(
    install: Install,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    """Ctrl-C and termination are told apart, and both say that nothing is lost."""
    install("zoo-toy", TOY)
    monkeypatch.setattr("zoo.harness.run.Run.data", lambda _: signal.raise_signal(number))
    words = ["run", "honest", "--dataset", "walks", "--out", str(tmp_path / "out")]
    assert command(words) == 128 + number
    assert "everything that had finished is kept" in capsys.readouterr().err
