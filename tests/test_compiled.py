"""Laws of compiled network calls: the same conformations, in lines that say so."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.conftest import Install
from tests.test_leaderboard import row
from tests.test_run import TINY
from zoo.board.leaderboard import leaderboard
from zoo.board.provenance import command
from zoo.cli import main
from zoo.contracts import Path as Walk
from zoo.harness.compiled import compile_calls
from zoo.harness.machine import can_compile, describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import discover, installed

WALKER = """
    import torch, zoo
    from torch import nn
    from zoo.generative import Denoiser, StraightSchedule
    from zoo.generative.divergence import unit_vectors
    from zoo.generative.likelihood import flow_log_prob

    class Walker(Denoiser):
        def __init__(self, shape):
            super().__init__()
            self.shape, self.size = shape, shape[0] * shape[1]
            self.share = nn.Parameter(torch.zeros(()))
        def coefficients(self, t): return StraightSchedule()(t)
        def loss(self, x): return (self.share - 1).square()
        def denoise(self, x_t, t): return self.share * torch.cos(t) * x_t
        def decode(self, x): return x.view(-1, *self.shape)
        def log_prob(self, x):
            z = x.flatten(1)
            return flow_log_prob(self, z, unit_vectors(z), nodes=2)

    @zoo.hookimpl
    def zoo_models():
        yield zoo.ModelSpec(api=1, name="walker", factory="zoo_walker:Walker", summary="",
                            offers={"path", "log_prob"})
"""


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that was compiled before is used, and nothing is left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.mark.parametrize("name", ["ddpm", "cfm", "score-sde", "lecture-ddpm", "sde-ebm"])
def test_network_calls_can_be_compiled_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in a path of ours, or in one inside a model, ends a graph before its end."""
    traced = functools.partial(torch.compile, backend="eager", fullgraph=True)
    monkeypatch.setattr(torch, "compile", traced)
    registry = discover(first_party_only=True)
    model = registry.find("model", name).build((5, 2))
    (path,) = (one for one in model.modules() if isinstance(one, Walk))
    x, t = torch.randn(3, path.size), torch.tensor(0.5)
    with torch.no_grad():
        before = path.denoise(x, t), path.velocity(x, t)
        compile_calls(model)
        assert {"denoise", "velocity"} <= vars(path).keys()
        torch.testing.assert_close((path.denoise(x, t), path.velocity(x, t)), before)


def test_other_models_are_left_alone() -> None:
    """A model that has no path stays as it is."""
    vae = discover(first_party_only=True).find("model", "vae").build((5, 2))
    before = vars(vae).copy()
    compile_calls(vae)
    assert vars(vae) == before


@pytest.mark.skipif(not can_compile(), reason="no C++ compiler")
def test_a_run_draws_and_times_with_them(install: Install, tmp_path: Path) -> None:
    """Anybody's path is compiled, in a line of its own; calls for its density are not counted."""
    install("zoo-walker", WALKER)
    store, found = Store(tmp_path / "out").open(), []
    for settings in (replace(TINY, draws=64), replace(TINY, draws=64).compile()):
        plan = make_plan(
            installed(), ["walker"], ["ode[method=euler,steps=2]"], "bead-spring[beads=4]", settings
        )
        (row,) = Run(plan, store, "cpu", describe(), jobs=1).execute()
        assert row["status"] == "ok", row["reason"]
        assert not row["faults"]
        assert row["times"]["cpu"]["batch_seconds"]
        assert row["nfe"] == 3.0
        found.append(row["values"])
    assert found[1] == pytest.approx(found[0], rel=1e-3, abs=1e-3)
    board = leaderboard(store.rows())
    assert sorted(board["preset"]) == ["tiny", "tiny compiled"]


def test_a_failure_to_compile_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a compiler nothing is begun, and a compiled line stands beside the other."""
    settings = row("ddpm", 0, 0.1)["settings"] | {"preset": "standard compiled", "compiled": True}
    failed = row("ddpm", 0, None, settings=settings, measured="2026-01-02T00:00:00+00:00")
    board = leaderboard([row("ddpm", 0, 0.1), failed])
    assert sorted(board["status"]) == ["crashed", "ok"]
    assert "--preset standard " in command(failed, [0], "out")
    assert command(failed, [0], "out").endswith(" --compile")
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "ddpm", "--preset", "quick", "--compile"]) == 2
    assert "torch compiles by a C++ compiler, and there is none" in capsys.readouterr().err
    assert not list(tmp_path.glob("zoo-results/*/*"))
