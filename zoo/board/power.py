"""What a metric can see: the smallest defect that it tells from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from tabulate import tabulate

from zoo.board.cells import to_cells

DETECTED = 0.8
"""Share of spoilt sets that a metric must place outside the floor's band to have seen a defect."""

Values = Mapping[str, Sequence[Sequence[float]]]


def power_table(
    metrics: Sequence[str], found: Sequence[Mapping[str, Any]], floors: Mapping[str, Any]
) -> pd.DataFrame:
    """Share of sets that each metric tells from the truth, by canary and strength.

    Args:
        metrics: The metrics, in the order they shall have.
        found: One record per canary: its `canary`, `meaning`, `strengths`, and `values` by
            metric, a list per strength.
        floors: The band of each metric between true sets.

    Returns:
        One line per metric, canary and strength: mean value, floor, and the share of sets
        outside the floor's 95% band.
    """
    lines = []
    for record in found:
        for metric in metrics:
            floor, values = floors.get(metric), record["values"].get(metric, ())
            if floor is None or any(not one for one in values):
                continue  # it has failed, and is no help here
            for strength, sets in zip(record["strengths"], values, strict=False):
                outside = [not floor["low"] <= value <= floor["high"] for value in sets]
                lines.append(
                    {
                        "metric": metric,
                        "canary": record["canary"],
                        "meaning": record["meaning"],
                        "strength": strength,
                        "mean": sum(sets) / len(sets),
                        "floor": floor["mean"],
                        "detected": sum(outside) / len(outside),
                    }
                )
    columns = ["metric", "canary", "meaning", "strength", "mean", "floor", "detected"]
    return pd.DataFrame(lines, columns=columns)


def smallest_seen(frame: pd.DataFrame) -> pd.DataFrame:
    """The smallest strength from which on a metric sees each canary; NaN if it sees none.

    Args:
        frame: From `power_table`.

    Returns:
        One line per metric, one column per canary.

    Example:
        >>> line = {"metric": "m", "canary": "expanded", "meaning": "", "mean": 0.0, "floor": 0.0}
        >>> lines = [line | {"strength": s, "detected": d} for s, d in ((0.01, 0.1), (0.02, 1.0))]
        >>> smallest_seen(pd.DataFrame(lines))["expanded"].tolist()
        [0.02]
    """
    table: dict[str, dict[str, float]] = {}
    for (metric, canary), own in frame.groupby(["metric", "canary"], sort=False):
        seen = float("nan")
        rising = own.sort_values("strength", ascending=False)
        for strength, detected in rising[["strength", "detected"]].to_numpy().tolist():
            if detected < DETECTED:
                break
            seen = strength
        table.setdefault(str(metric), {})[str(canary)] = seen
    return pd.DataFrame.from_dict(table, orient="index")


def render_power(frame: pd.DataFrame, style: str) -> str:
    """Text for people (`table`, `md`) or every figure (`csv`, `json`).

    Args:
        frame: From `power_table`.
        style: One of `zoo.board.FORMATS`.
    """
    if style == "csv":
        return to_cells(frame)
    if style == "json":
        return frame.to_json(orient="records", indent=1) + "\n"
    meanings = dict(zip(frame["canary"], frame["meaning"], strict=True))
    seen = smallest_seen(frame)
    lines = [
        [metric, *("–" if pd.isna(value) else f"{value:g}" for value in seen.loc[metric])]
        for metric in seen.index
    ]
    breaks = " " if style == "md" else "\n"
    headings = ["metric", *(f"{canary}{breaks}[{meanings[canary]}]" for canary in seen.columns)]
    table = tabulate(
        lines,
        headings,
        tablefmt="pipe" if style == "md" else "simple",
        disable_numparse=True,
        colalign=["left", *["right"] * len(seen.columns)],
    )
    return (
        f"{table}\n\nThe smallest defect from which on {DETECTED:.0%} of spoilt sets lie outside "
        "the floor's 95% band; – where none tried does.\n"
    )
