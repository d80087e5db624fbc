"""Scores of a file that no model of ours drew."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.board.statistics import Scores as Table
from zoo.board.statistics import jackknife_variance
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
    metrics = tuple(one for one in plan.metrics if not one.listing.spec.model_needs)
    settings = plan.settings
    groups = min(settings.draw_groups, len(x) // 2)  # each leaves some for the others
    groups = groups if groups > 1 else 0
    stage = Score(drawn, plan.dataset, data, metrics, settings.replicas, groups)
    scored = work.demand(stage, path.name)
    floor = Floor(plan.dataset, data, metrics, len(x), settings.floor_repeats)
    floors = work.demand(floor, f"{plan.dataset.label} against itself").facts["floors"]
    return [
        {
            "metric": metric.label,
            "value": scored.facts["values"].get(metric.label),
            "error": _error(scored.facts, metric.label),
            "unit": metric.listing.spec.unit,
            "floor": floors.get(metric.label, {}).get("mean"),
            "floor_low": floors.get(metric.label, {}).get("low"),
            "floor_high": floors.get(metric.label, {}).get("high"),
            "best": metric.listing.spec.best,
            "reason": scored.facts["faults"].get(metric.label, ""),
        }
        for metric in metrics
    ]


def _error(facts: Mapping[str, Any], metric: str) -> float | None:
    """Half of a score's 95% interval over draws and test sets."""
    if metric not in facts["values"]:
        return None
    table = np.array([[[facts["values"][metric], *facts["replicates"][metric]]]])
    without = facts["without"][metric]
    noise = jackknife_variance(without) if len(without) > 1 else math.nan
    half = float(Table(table, np.array([noise])).estimate().half_width[0])
    return half if math.isfinite(half) else None


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
            f"{number(line['value'])} ± {number(line['error'])}",
            line["unit"],
            f"{number(line['floor'])} [{number(line['floor_low'])}, {number(line['floor_high'])}]",
            number(line["best"]),
            line["reason"],
        ]
        for line in scores
    ]
    headings = ["metric", "value ± 95%", "unit", "truth against truth [95%]", "best", ""]
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
