"""A results folder as a run leaves it, made in a moment: rows, conformations and losses."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from tests.test_leaderboard import row
from zoo.harness.stages import DATA_FILE, DRAWN_FILE, REPLICAS_FILE
from zoo.harness.store import Store
from zoo.harness.whole import digest
from zoo.polymer.chain import Chain

HOSTILE = (
    "<img src=//evil.test/x onerror=pwned=1>{{7*7}}</script><script>pwned=1</script>$x^2$\u202e"
)
"""What somebody could call a model."""


def make_results(root: Path, n: int = 400, sets: int = 3) -> Path:
    """Fill a folder: ranked lines, a tie, a reference, a stranger's line and a failed one.

    Args:
        root: The folder.
        n: Conformations in each set.
        sets: Other test sets beside the data.
    """
    store = Store(root).open()
    sha256 = _data(store, n, sets)
    torch.manual_seed(0)
    good, long = Chain().sample(n), 1.1 * Chain().sample(n)
    for seed in (0, 1):
        wobble = 1 + 0.001 * seed
        rows = [
            (_row("near", seed, 0.05 * wobble, 2.0), good),
            (_row("also-near", seed, (0.052, 0.049)[seed], 3.0), good),
            (_row("far", seed, 0.5 * wobble, 1.0), long),
            (_row(HOSTILE, seed, 1.5 * wobble, 9.0), long),
            (_row("truth", seed, 0.02 * wobble, 5.0, reference=True), good),
            (_row("broken", seed, None, 1.0, reason=f"loss is NaN {HOSTILE}"), None),
        ]
        for made, x in rows:
            made["made_by"]["data_sha256"] = sha256
            _keep(store, made, x)
    return root


def _row(model: str, seed: int, value: float | None, us: float, **changes: Any) -> dict[str, Any]:
    """A row of two seeds, drawn from in so many microseconds a conformation."""
    made = row(model, seed, value, **changes)
    made["settings"] |= {"seeds": 2, "draws": 400}
    made["made_by"]["model"]["plugin"] = f"zoo-{model[:4]}/{model}"
    made["times"] = {"cpu": {"batch_seconds": [1e-3 * us] * 3, "single_seconds": [1e-4] * 3}}
    return made


def _data(store: Store, n: int, sets: int) -> str:
    torch.manual_seed(1)
    folder = store.scratch()
    data = save({"train": Chain().sample(n), "test": Chain().sample(n)})
    (folder / DATA_FILE).write_bytes(data)
    others = torch.stack([Chain().sample(n) for _ in range(sets)])
    (folder / REPLICAS_FILE).write_bytes(save({"test": others}))
    sha256 = hashlib.sha256(data).hexdigest()
    store.keep(
        "data", "da7a", folder, {"sha256": sha256, "n_test": n, "n_test_effective": float(n)}
    )
    return sha256


def _keep(store: Store, made: dict[str, Any], x: Tensor | None) -> None:
    """Keep a row, and what was drawn and learned if anything was."""
    name = digest([made["model"], made["seed"]])[:20]
    if x is not None:
        folder = store.scratch()
        (folder / DRAWN_FILE).write_bytes(save({"conformations": x}))
        store.keep("sample", name, folder, {"network_calls": 1.0})
        store.keep("train", name, store.scratch(), {"losses": [1.0, 0.5, 0.25]})
        made["made_by"]["keys"] = {"train": name, "sample": name}
    store.keep_row(name, made | {"key": name})
