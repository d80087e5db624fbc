"""Scores of a file that no model of ours drew."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.board.statistics import Scores as Table
from zoo.board.statistics import jackknife_variance
from zoo.errors import PluginError
from zoo.harness.brought import read_drawn, score_drawn
from zoo.harness.run import Run

Scores = list[dict[str, Any]]


def score_file(work: Run, path: Path) -> Scores:
    """Every metric of the conformations in a file, with its floor at their number.

    Raises:
        UsageError: If the file will not do.
        PluginError: If nothing could be scored.
    """
    drawn = read_drawn(work, path)
    outcome = score_drawn(work, drawn, path.name)
    if outcome.result is None:
        raise PluginError(f"{path.name}: {outcome.status}: {outcome.reason}")
    facts = outcome.result.facts
    metrics = [one for one in work.plan.metrics if not one.listing.spec.model_needs]
    floors = work.floors(work.data(), work.plan.metrics, drawn.facts["n"])
    return [
        {
            "metric": metric.label,
            "value": facts["values"].get(metric.label),
            "error": _error(facts, metric.label),
            "unit": metric.listing.spec.unit,
            "floor": floors.get(metric.label, {}).get("mean"),
            "floor_low": floors.get(metric.label, {}).get("low"),
            "floor_high": floors.get(metric.label, {}).get("high"),
            "best": metric.listing.spec.best,
            "reason": facts["faults"].get(metric.label, ""),
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
