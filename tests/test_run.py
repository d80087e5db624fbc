"""Laws of a run: one row per job whatever happens, nothing twice, the same numbers again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Install
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Event, Run
from zoo.harness.settings import Settings
from zoo.harness.store import Store
from zoo.registry import installed

TOY = """
    import os, signal, sys
    from dataclasses import dataclass
    import torch, zoo
    from torch import nn

    def walks(n):
        return torch.randn(n, 4, 2).cumsum(1)

    @dataclass(frozen=True)
    class Walks(zoo.ExactDataset):
        n: int = 300
        def split(self):
            generator = torch.Generator().manual_seed(0)
            x = torch.randn(2 * self.n, 4, 2, generator=generator).cumsum(1)
            return x[: self.n], x[self.n :]
        def fresh(self, n): return walks(n)
        def energy(self, x): return x.diff(dim=1).square().sum((1, 2)) / 2
        def log_prob(self, x): return -self.energy(x)

    class Honest(zoo.OneShot):
        def __init__(self, shape, *, steps: int = 1):
            super().__init__()
            self.shape = shape
            self.log_scale = nn.Parameter(torch.tensor(-1.0))
        def loss(self, x):
            z = x.diff(dim=1) / self.log_scale.exp()
            return z.square().mean() / 2 + self.log_scale
        def draw(self, n):
            beads, dim = self.shape
            return self.log_scale.exp() * torch.randn(n, beads, dim).cumsum(1)

    class Raises(Honest):
        def loss(self, x): raise RuntimeError("too hot")
    class Leaves(Honest):
        def loss(self, x): os._exit(0)
    class Dies(Honest):
        def draw(self, n): os.kill(os.getpid(), signal.SIGKILL)
    class Nan(Honest):
        def draw(self, n): return super().draw(n) * float("nan")
    class Flat(Honest):
        def draw(self, n): return super().draw(n).flatten(1)
    class Diverges(Honest):
        def loss(self, x): return super().loss(x) * float("inf")
    class Greedy(Honest):
        def loss(self, x): raise MemoryError
    class Endless(Honest):
        def loss(self, x):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True: pass
    class Careless(zoo.OneShot):
        def __init__(self, shape):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))
        def draw(self, n): return torch.zeros(n, 4, 2)
    class Alone(Honest):
        def draw(self, n):
            if n == 1: raise RuntimeError("not one by one")
            return super().draw(n)
    class Chatty(Honest):
        def loss(self, x):
            print("x" * 1000, flush=True)
            return super().loss(x)

    NAMES = "honest raises leaves dies nan flat diverges greedy endless careless alone chatty"

    @zoo.hookimpl
    def zoo_models():
        for name in NAMES.split():
            yield zoo.ModelSpec(api=1, name=name, factory=f"zoo_toy:{name.capitalize()}",
                                summary="", offers={"draw"})

    @zoo.hookimpl
    def zoo_datasets():
        yield zoo.DatasetSpec(api=1, name="walks", factory="zoo_toy:Walks", summary="",
                              offers={"fresh", "energy", "log_prob"}, source="", license="")
"""

TINY = Settings(
    "tiny", epochs=3, seeds=1, draws=200, batch=64, floor_repeats=4, timing_rounds=2,
    round_seconds=0.001, timeout=300.0,
)  # fmt: skip

Toy = Callable[..., tuple[list[dict[str, Any]], list[Event]]]


@pytest.fixture
def toy(install: Install, tmp_path: Path) -> Toy:
    """Run models of a toy plugin on a toy dataset; give rows and events."""
    install("zoo-toy", TOY)

    def run(
        *models: str, out: str = "results", settings: Settings = TINY
    ) -> tuple[list[dict[str, Any]], list[Event]]:
        events: list[Event] = []
        plan = make_plan(installed(), models, None, "walks", settings)
        store = Store(tmp_path / out).open()
        rows = Run(plan, store, "cpu", describe(), jobs=2, watch=events.append).execute()
        return rows, events

    return run


def test_an_honest_job_gives_a_whole_row(toy: Toy) -> None:
    """Every stage leaves its figures, and the row says what made them."""
    ((row,), _) = toy("honest")
    assert row["status"] == "ok"
    assert row["parameters"] == 1
    assert row["nfe"] == 1.0
    assert row["epochs"] == 3
    assert row["values"]["rg_w1"] > row["floors"]["rg_w1"]["mean"] > 0
    assert len(row["times"]["cpu"]["batch_seconds"]) >= 2
    assert row["made_by"]["model"]["plugin"] == "zoo-toy/honest"
    assert row["made_by"]["model"]["version"] == "1.0"


def test_villains_get_a_row_each_and_harm_nobody(toy: Toy) -> None:
    """Each way to fail has its status and reason; the honest scores are the same without them."""
    expected = {
        "raises": ("error", "RuntimeError: too hot"),
        "leaves": ("crashed", "ended with status 0 and no result"),
        "dies": ("crashed", "signal 9 (SIGKILL)"),
        "nan": ("invalid", "64 of 64 hold NaN"),
        "flat": ("invalid", "of shape (64, 8); expected (64, 4, 2) = (n, beads, dim)"),
        "diverges": ("error", "the loss of Diverges is inf in epoch 1 of 3"),
        "greedy": ("oom", "out of memory"),
        "careless": ("error", "has parameters but no loss(x)"),
    }
    rows, _ = toy(*expected, "honest", out="crowd")
    found = {row["model"]: row for row in rows}
    for model, (status, reason) in expected.items():
        assert found[model]["status"] == status, found[model]
        assert reason in found[model]["reason"]
        assert found[model]["values"] == {}
    ((alone,), _) = toy("honest", out="alone")
    assert found["honest"]["values"] == alone["values"]


def test_an_endless_job_is_stopped(toy: Toy) -> None:
    """A training that ignores a polite request to end is ended, and says so on its row."""
    ((row,), _) = toy("endless", settings=replace(TINY, timeout=2.0))
    assert row["status"] == "timeout"
    assert "stopped after 2 s" in row["reason"]


def test_a_clock_that_fails_costs_a_time_and_no_score(toy: Toy) -> None:
    """An entry that cannot be timed keeps its scores and says why; the others are timed."""
    (alone, honest), events = toy("alone", "honest")
    assert alone["status"] == honest["status"] == "ok"
    assert alone["values"] == honest["values"]
    assert "not one by one" in alone["times"]["cpu"]["reason"]
    assert len(honest["times"]["cpu"]["single_seconds"]) == TINY.timing_rounds
    assert [event.status for event in events if event.stage == "time"][-1] == "error"


def test_a_run_without_rounds_has_scores_and_no_times(toy: Toy) -> None:
    """Who asks for no rounds of timing gets everything else, and a dash for each clock."""
    ((row,), events) = toy("honest", settings=replace(TINY, timing_rounds=0))
    assert row["status"] == "ok"
    assert row["values"]["rg_w1"] > 0
    assert row["times"] == {}
    assert "time" not in {event.stage for event in events}


def test_what_a_plugin_prints_goes_to_its_log(toy: Toy, capfd: pytest.CaptureFixture[str]) -> None:
    """Output of a child appears on no terminal, and is kept."""
    ((row,), _) = toy("chatty")
    assert row["status"] == "ok"
    out, err = capfd.readouterr()
    assert "xxx" not in out + err


def test_a_second_run_makes_nothing_again(toy: Toy) -> None:
    """With everything kept, no stage runs, and the rows are the same to the last digit."""
    first, _ = toy("honest", "chatty")
    second, events = toy("honest", "chatty")
    assert second == first
    assert {event.status for event in events if event.stage != "time"} == {"kept"}


def test_the_same_seed_gives_the_same_numbers_elsewhere(toy: Toy) -> None:
    """Another folder, the same scores; another seed, others."""
    settings = replace(TINY, seeds=2)
    (a0, a1), _ = toy("honest", out="a", settings=settings)
    (b0, b1), _ = toy("honest", out="b", settings=settings)
    assert (a0["values"], a1["values"]) == (b0["values"], b1["values"])
    assert a0["values"] != a1["values"]


def test_options_make_another_line_and_another_training(toy: Toy) -> None:
    """`honest[steps=2]` is trained apart from `honest`, under its own label."""
    rows, events = toy("honest", "honest[steps=2]")
    assert [row["model"] for row in rows] == ["honest", "honest[steps=2]"]
    trained = [event for event in events if event.stage == "train" and event.status == "ok"]
    assert len(trained) == 2


def test_a_changed_plugin_is_trained_again(
    toy: Toy, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editing a plugin's source invalidates what it made, and nothing else."""
    toy("honest")
    path = install.folder / "zoo_toy.py"
    path.write_text(path.read_text() + "\n# a change\n")
    monkeypatch.delitem(sys.modules, "zoo_toy", raising=False)
    _, events = toy("honest")
    status = {event.stage: event.status for event in events if event.status}
    assert status["train"] == "ok"


def test_a_script_without_a_guard_runs_once(install: Install, tmp_path: Path) -> None:
    """`zoo.run` at the top level of a script does not run the script again in its children."""
    install("zoo-toy", TOY)
    script = tmp_path / "script.py"
    script.write_text(
        "import zoo\nprint('once')\n"
        "frame = zoo.run(['honest'], dataset='walks', preset='quick', jobs=1, device='cpu')\n"
        "print(frame['status'].tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout.splitlines() == ["once", "['ok']"], done.stderr
