"""Scores of a file that no model of ours drew."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zoo.harness.files import read_conformations
from zoo.harness.run import Run
from zoo.harness.stages import DRAWN_FILE, Floor, Score
from zoo.harness.store import Result

Scores = list[dict[str, Any]]


def score_file(work: Run, path: Path) -> Scores:
    """Every metric of the conformations in a file, with its floor at their number.

    Raises:
        UsageError: If the file will not do.
    """
    plan, data = work.plan, work.data()
    beads, dim = data.facts["shape"]
    x = read_conformations(path, (beads, dim))
    drawn = _as_drawn(work, x.tobytes(), x)
    scored = work.demand(Score(drawn, plan.dataset, data, plan.metrics), path.name)
    stage = Floor(plan.dataset, data, plan.metrics, len(x), plan.settings.floor_repeats)
    floors = work.demand(stage, f"{plan.dataset.label} against itself").facts["floors"]
    return [
        {
            "metric": metric.label,
            "value": scored.facts["values"].get(metric.label),
            "unit": metric.listing.spec.unit,
            "floor": floors.get(metric.label, {}).get("mean"),
            "floor_low": floors.get(metric.label, {}).get("low"),
            "floor_high": floors.get(metric.label, {}).get("high"),
            "best": metric.listing.spec.best,
            "reason": scored.facts["faults"].get(metric.label, ""),
        }
        for metric in plan.metrics
    ]


def score_table(scores: Scores, style: str) -> str:
    """Scores as text: `table` or `json`."""
    if style == "json":
        return json.dumps(scores, indent=1, ensure_ascii=False) + "\n"
    from tabulate import tabulate

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.4g}"

    lines = [
        [
            line["metric"],
            number(line["value"]),
            line["unit"],
            f"{number(line['floor'])} [{number(line['floor_low'])}, {number(line['floor_high'])}]",
            number(line["best"]),
            line["reason"],
        ]
        for line in scores
    ]
    headings = ["metric", "value", "unit", "truth against truth [95%]", "best", ""]
    align = ("left", "right", "left", "right", "right", "left")
    return tabulate(lines, headings, "simple", disable_numparse=True, colalign=align) + "\n"


def _as_drawn(work: Run, raw: bytes, x: Any) -> Result:  # noqa: ANN401 - a NumPy array
    """Put conformations where a drawn set would be, under a name that is their content's."""
    from safetensors.numpy import save

    key = hashlib.sha256(raw).hexdigest()[:20]
    if kept := work.store.find("file", key):
        return kept
    folder = work.store.scratch()
    (folder / DRAWN_FILE).write_bytes(save({"conformations": x}))
    return work.store.keep("file", key, folder, {"network_calls": 0.0, "n": len(x)})
