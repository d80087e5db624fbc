"""Law of a crowd: wrong plugins are set aside, each for its own reason, and change no score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import Install
from tests.test_discovery import GOOD, ONE_MODEL, VILLAINS
from tests.test_run import TINY, TOY
from zoo.harness.machine import describe
from zoo.harness.plan import make_plan
from zoo.harness.run import Run
from zoo.harness.store import Store
from zoo.registry import installed

WRONG = {
    "import-error": VILLAINS["fails to import"],
    "exit-at-import": VILLAINS["ends the process"],
    "unknown-hook": VILLAINS["misspells a hook"],
    "missing-marker": VILLAINS["forgets the marker"],
    "wrong-api": VILLAINS["is of another API"],
    "taken-name": (GOOD.replace("NAME", "ddpm"), "claims a taken name, that of plugin"),
    "half-way": VILLAINS["raises half-way"],
    "climbing": (ONE_MODEL.replace("CHANGE", "name='../x'"), "calls a model '../x'"),
    # They would change the floor, or all scores, if they were heard.
    "greedy-metric": (
        """
        import torch, zoo
        torch.manual_seed(7)
        @zoo.hookimpl
        def zoo_metrics():
            yield zoo.MetricSpec(api=1, name="fine", factory="x:Y", summary="", unit="",
                                 best=0.0, lower_is_better=True)
            yield zoo.MetricSpec(api=1, name="rg_w1", factory="x:Y", summary="", unit="",
                                 best=0.0, lower_is_better=True)
        """,
        "its metric 'rg_w1' claims a taken name",
    ),
}

_CLOCKS = ("times", "measured", "train_seconds", "sample_seconds")


def scores(folder: Path) -> bytes:
    """All of the board of the honest toy model but its clocks, as bytes."""
    plan = make_plan(installed(), ["honest", "raises"], None, "walks", TINY)
    rows: list[dict[str, Any]] = Run(plan, Store(folder).open(), "cpu", describe()).execute()
    assert [row["status"] for row in rows] == ["ok", "error"]
    return b"\n".join(
        json.dumps({k: v for k, v in row.items() if k not in _CLOCKS}).encode() for row in rows
    )


def test_wrong_plugins_change_no_score(install: Install, tmp_path: Path) -> None:
    """The board of the others is the same without them, byte for byte in its scores."""
    install("zoo-toy", TOY)
    alone = scores(tmp_path / "alone")
    for name, (code, _) in WRONG.items():
        install(f"zoo-{name}", code.replace("NAME", "bad"))
    reasons = {it.name: it.reason for it in installed().plugins if it.status == "quarantined"}
    assert set(reasons) == {f"zoo-{name}" for name in WRONG}
    assert len(set(reasons.values())) == len(WRONG)
    for name, (_, sentence) in WRONG.items():
        module = f"zoo_{name}".replace("-", "_")
        assert sentence.replace("zoo_villain", module) in reasons[f"zoo-{name}"]
    assert scores(tmp_path / "crowd") == alone
