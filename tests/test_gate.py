"""The gate from end to end: a model of one's own, run twice, with a defect in between."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_run import TINY
from zoo.cli import main
from zoo.harness import settings

MODEL = """
import zoo
from zoo.polymer.chain import Chain

class Scaled(zoo.OneShot):
    def __init__(self, shape):
        super().__init__()
        self.chain = Chain(beads=shape[0])
    def draw(self, n):
        return {factor} * self.chain.sample(n)
"""

DATASET = "bead-spring[beads=4,n_train=2000,n_test=2000]"


@pytest.mark.parametrize(("factor", "status"), [("1.0", 0), ("1.05", 1)])
def test_an_expansion_of_five_percent_is_worse(
    factor: str,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same model again is the same; with every chain 5% too large it fails the gate."""
    small = replace(TINY, preset="quick", seeds=2, draws=2_000, batch=1_000, replicas=2)
    monkeypatch.setitem(settings.PRESETS, "quick", small)
    monkeypatch.chdir(tmp_path)
    for out, scale in (("base", "1.0"), ("head", factor)):
        Path("model.py").write_text(MODEL.replace("{factor}", scale))
        words = ["run", "model.py:Scaled", "--dataset", DATASET, "--preset", "quick"]
        assert main([*words, "--out", out]) == 0
    capsys.readouterr()
    metrics = ["--metric", "rg_w1", "--metric", "bond_w1"]
    assert main(["compare", "base", "head", *metrics, "--format", "csv"]) == status
    cells = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    found = {cell["measure"]: cell["verdict"] for cell in cells if "time" not in cell["measure"]}
    verdict = "WORSE" if status else "SAME"
    assert found == {"rg_w1": verdict, "bond_w1": verdict}
