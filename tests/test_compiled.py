"""Laws of compiled network calls: the same conformations, in lines that say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch

from tests.conftest import Install
from tests.test_leaderboard import row
from tests.test_run import TINY
from zoo import OneShot
from zoo.board.leaderboard import leaderboard
from zoo.board.provenance import command
from zoo.conformance.gaussian import NormalPath
from zoo.contracts import Path as Walk
from zoo.generative import CosineSchedule
from zoo.harness.compiled import compile_calls
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import discover, installed

WALKER = """
    import torch, zoo
    from torch import nn
    from zoo.generative import Denoiser, StraightSchedule

    class Walker(Denoiser):
        def __init__(self, shape):
            super().__init__()
            self.shape, self.size = shape, shape[0] * shape[1]
            self.share = nn.Parameter(torch.zeros(()))
        def coefficients(self, t): return StraightSchedule()(t)
        def loss(self, x): return (self.share - 1).square()
        def denoise(self, x_t, t): return self.share * torch.cos(t) * x_t
        def decode(self, x): return x.view(-1, *self.shape)

    @zoo.hookimpl
    def zoo_models():
        yield zoo.ModelSpec(api=1, name="walker", factory="zoo_walker:Walker", summary="",
                            offers={"path"})
"""

needs_compiler = pytest.mark.skipif(
    not shutil.which(os.environ.get("CXX", "g++")), reason="no C++ compiler"
)


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that was compiled before is used, and nothing is left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        yield


@needs_compiler
def test_compiled_calls_say_the_same() -> None:
    """Whatever the size of the batch, within rounding."""
    path, plain = NormalPath(CosineSchedule()), NormalPath(CosineSchedule())
    assert compile_calls(path)
    for n in (3, 5):
        x, t = torch.randn(n, path.size), torch.tensor(0.5)
        with torch.no_grad():
            torch.testing.assert_close(path.denoise(x, t), plain.denoise(x, t))
            torch.testing.assert_close(path.velocity(x, t), plain.velocity(x, t))


def test_paths_inside_are_compiled_and_other_models_left_alone() -> None:
    """A model that draws by a path has its calls compiled; one that has none stays as it is."""
    registry = discover(first_party_only=True)
    outer = cast(OneShot, registry.find("model", "sde-ebm").build((5, 2)))
    (inner,) = (one for one in outer.modules() if isinstance(one, Walk))
    assert compile_calls(outer)
    assert {"denoise", "velocity"} <= vars(inner).keys()
    vae = cast(OneShot, registry.find("model", "vae").build((5, 2)))
    before = vars(vae).copy()
    assert not compile_calls(vae)
    assert vars(vae) == before


@needs_compiler
def test_a_run_draws_and_times_with_them(install: Install, tmp_path: Path) -> None:
    """Anybody's path is compiled, and its line says so; where there is none it says nothing."""
    install("zoo-walker", WALKER)
    plan = make_plan(
        installed(), ["walker", "truth"], ["dpmpp[steps=2]", "direct"], "bead-spring[beads=4]",
        replace(TINY, draws=64, compiled=True),
    )  # fmt: skip
    path, truth = Run(plan, Store(tmp_path / "out").open(), "cpu", describe(), jobs=1).execute()
    assert path["status"] == "ok", path["reason"]
    assert (path["flags"], truth["flags"]) == (["compiled"], [])
    assert path["times"]["cpu"]["batch_seconds"]


def test_lines_that_are_compiled_stand_alone() -> None:
    """So a failure to compile costs no result there was before."""
    settings = row("ddpm", 0, 0.1)["settings"] | {"compiled": True}
    failed = row("ddpm", 0, None, settings=settings, measured="2026-01-02T00:00:00+00:00")
    board = leaderboard([row("ddpm", 0, 0.1), failed])
    assert board["status"].tolist() == ["ok", "crashed"]
    assert command(failed, [0], "out").endswith(" --compile")
