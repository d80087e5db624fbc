"""Laws of the density stage: asked once per training, and of draws only where it is theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.conftest import Install
from tests.test_run import TINY
from zoo.errors import PluginError
from zoo.harness.data import load_tensors
from zoo.harness.density import log_density
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Event, Run
from zoo.harness.stages import DATA_FILE, DENSITY_FILE, DRAWN_FILE
from zoo.harness.store import Store
from zoo.registry import installed

SMALL = "bead-spring[beads=4,n_train=100,n_test=150]"

DENSE = """
    import math
    from dataclasses import dataclass
    import torch, zoo

    class Dense(zoo.OneShot):
        def __init__(self, shape):
            super().__init__()
            self.shape = shape
            self.register_buffer("asked", torch.zeros(()))
        def draw(self, n):
            return 2 * torch.randn(n, *self.shape)
        def log_prob(self, x):
            return -x.square().sum((1, 2)) / 8

    class Broken(Dense):
        def log_prob(self, x): raise RuntimeError("no such place")

    @dataclass(frozen=True)
    class Half(zoo.Sampler[zoo.OneShot]):
        def sample(self, model, n): return model.draw(n) / 2

    @zoo.hookimpl
    def zoo_models():
        for name in ("dense", "broken"):
            yield zoo.ModelSpec(api=1, name=name, factory=f"zoo_dense:{name.capitalize()}",
                                summary="", offers={"draw", "log_prob"})

    @zoo.hookimpl
    def zoo_samplers():
        yield zoo.SamplerSpec(api=1, name="half", factory="zoo_dense:Half", summary="",
                              needs={"draw"})
"""


@pytest.fixture
def made(install: Install, tmp_path: Path) -> tuple[dict[str, dict[str, Any]], Store, list[Event]]:
    """Rows of a model with a density, by sampler; the store; and what was told on the way."""
    install("zoo-dense", DENSE)
    return ran("dense", tmp_path / "results")


def ran(model: str, out: Path) -> tuple[dict[str, dict[str, Any]], Store, list[Event]]:
    """The same of any model."""
    events: list[Event] = []
    plan = make_plan(installed(), [model], ["direct", "half"], SMALL, TINY)
    store = Store(out).open()
    rows = Run(plan, store, "cpu", describe(), jobs=1, watch=events.append).execute()
    return {row["sampler"]: row for row in rows}, store, events


def test_a_training_is_asked_once(
    made: tuple[dict[str, dict[str, Any]], Store, list[Event]],
) -> None:
    """Two samplers share one result, the model's own density of every test conformation."""
    rows, store, events = made
    (key,) = {row["made_by"]["keys"]["density"] for row in rows.values()}
    assert [event.status for event in events if event.stage == "density"][-1] == "ok"
    assert sum(event.status == "ok" for event in events if event.stage == "density") == 1
    assert max(event.total for event in events if event.stage == "density") == 150
    (folder,) = (store.root / "density").iterdir()
    assert folder.name == key
    found = load_tensors(folder / DENSITY_FILE)["test_log_prob"]
    (data,) = (store.root / "data").iterdir()
    test = load_tensors(data / DATA_FILE)["test"]
    torch.testing.assert_close(found, -test.square().sum((1, 2)) / 8)


def test_only_draws_that_follow_the_density_are_weighed(
    made: tuple[dict[str, dict[str, Any]], Store, list[Event]],
) -> None:
    """A sampler that is not exact has no weights p/q, and nobody asks for the density of draws."""
    rows, store, _ = made
    for_test, for_draws = {"test_nll", "kl"}, {"weight_ess", "rg_reweighted"}
    assert for_test | for_draws <= set(rows["direct"]["values"])
    assert for_test <= set(rows["half"]["values"])
    assert not for_draws & {*rows["half"]["values"], *rows["half"]["faults"]}
    for name, kept in (("direct", {"conformations", "log_prob"}), ("half", {"conformations"})):
        folder = store.root / "sample" / rows[name]["made_by"]["keys"]["sample"]
        assert set(load_tensors(folder / DRAWN_FILE)) == kept
    assert rows["half"]["values"]["kl"] == rows["direct"]["values"]["kl"]


def test_a_density_that_fails_fails_its_lines(install: Install, tmp_path: Path) -> None:
    """Every line of the model says why; nothing is drawn in vain."""
    install("zoo-dense", DENSE)
    rows, store, _ = ran("broken", tmp_path / "results")
    assert {row["status"] for row in rows.values()} == {"error"}
    assert all("no such place" in row["reason"] for row in rows.values())
    assert not (store.root / "sample").exists()
    json.dumps(list(rows.values()), allow_nan=False)


class Sums(torch.nn.Module):
    """Says of a conformation the sum of its coordinates, in a shape one may choose."""

    device = torch.device("cpu")

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def log_prob(self, x: Tensor) -> Tensor:
        """One number for each."""
        return x.sum((1, 2)).view(-1, *self.shape)


def test_batches_do_not_matter() -> None:
    """All are asked for, in their order, however many at a time; and it is told how far it is."""
    x = torch.arange(7 * 6.0).view(7, 3, 2)
    told: list[dict[str, Any]] = []
    found = log_density(Sums(), x, 3, told.append)
    assert found.tolist() == x.sum((1, 2)).tolist()
    assert told == [{"done": done, "total": 7} for done in (3, 6, 7)]


def test_what_is_no_density_is_refused() -> None:
    """Numbers in a column, or no density at all, are named with what was expected."""
    with pytest.raises(PluginError, match="one number for each"):
        log_density(Sums(1), torch.zeros(4, 3, 2), 2, lambda _: None)
    with pytest.raises(PluginError, match="no log_prob"):
        log_density(torch.nn.Linear(1, 1), torch.zeros(4, 3, 2), 2, lambda _: None)
