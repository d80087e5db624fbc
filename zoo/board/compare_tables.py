"""A comparison of two leaderboards as text: for the terminal, a pull request, a program."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from tabulate import tabulate

from zoo.board.cells import to_cells
from zoo.board.judgement import Verdict
from zoo.wording import printable

MOST = 100
"""Cells that a table for people shows at most; a comment on a pull request has its limits."""

_BOARD = ("dataset", "preset", "device")
_WORDS = ("model", "sampler", "measure")
_INACTIVE = ".,;:-+=/%µ "
_SPOKEN = {
    Verdict.WORSE: "worse",
    Verdict.INCOMPARABLE: "not comparable",
    Verdict.UNSURE: "unsure",
    Verdict.BETTER: "better",
    Verdict.NEW: "new",
    Verdict.SAME: "the same",
}


def render_comparison(cells: pd.DataFrame, style: str) -> str:
    """A comparison in one of `zoo.board.FORMATS`.

    Args:
        cells: From `zoo.board.compare.compare`.
        style: `table` or `md` for people, who see what is not the same and how much is;
            `csv` and `json` hold every cell.
    """
    if style == "csv":
        return to_cells(cells)
    if style == "json":
        records = json.loads(cells.to_json(orient="records", double_precision=10))
        return json.dumps(records, indent=1, ensure_ascii=False) + "\n"
    markdown = style == "md"
    title = f"### zoo compare: {summary(cells)}" if markdown else summary(cells)
    order = {verdict: place for place, verdict in enumerate(Verdict)}
    seen = cells[cells["verdict"] != Verdict.SAME]
    seen = seen.sort_values("verdict", key=lambda verdicts: verdicts.map(order), kind="stable")
    boards = list(_BOARD) if len(cells[list(_BOARD)].drop_duplicates()) > 1 else []
    rows = [_row(cell, boards, markdown=markdown) for _, cell in seen.head(MOST).iterrows()]
    parts = [title]
    if rows:
        kind = "pipe" if markdown else "simple"
        align = [("right" if name in ("base", "head") else "left") for name in rows[0]]
        parts.append(tabulate(rows, "keys", kind, disable_numparse=True, colalign=align))
    if len(seen) > MOST:
        parts.append(f"and {len(seen) - MOST:,} more")
    if seen["reference"].any():
        parts.append("(reference): stands apart; it fails nothing by being worse.")
    return "\n\n".join(parts) + "\n"


def summary(cells: pd.DataFrame) -> str:
    """How many cells came to what, the gravest first.

    Example:
        >>> summary(pd.DataFrame({"verdict": ["SAME", "WORSE", "SAME"]}))
        '1 worse, 2 the same of 3 compared'
    """
    counts = cells["verdict"].value_counts()
    found = [
        f"{counts[verdict]:,} {word}" for verdict, word in _SPOKEN.items() if verdict in counts
    ]
    return f"{', '.join(found)} of {len(cells):,} compared" if found else "nothing to compare"


def _row(cell: pd.Series[Any], boards: list[str], *, markdown: bool) -> dict[str, str]:
    texts = {
        name: printable(" ".join(str(cell[name]).split())) for name in (*_WORDS, *boards, "reason")
    }
    if markdown:
        texts = {name: _inactive(text) for name, text in texts.items()}
        texts |= {name: f"<code>{texts[name]}</code>" for name in _WORDS}
    verdict = f"{cell['verdict']} (reference)" if cell["reference"] else str(cell["verdict"])
    figures = {name: _figure(cell[name]) for name in ("base", "head")}
    words = {name: texts[name] for name in (*boards, *_WORDS)}
    return {"verdict": verdict, **words, **figures, "reason": texts["reason"]}


def _figure(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.4g}"


def _inactive(text: str) -> str:
    """Text that is no Markdown, HTML, link or mention, whatever somebody called a model."""
    text = text.replace("@", "@\u2060").replace("://", ":\u2060//").replace("www.", "www\u2060.")
    keep = (c if c.isalnum() or c in _INACTIVE or c == "\u2060" else f"&#{ord(c)};" for c in text)
    return "".join(keep)
