"""The leaderboard as text for people: terminal, Markdown, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from tabulate import tabulate

from zoo.board.leaderboard import BOARD, to_csv


def render(frame: pd.DataFrame, style: str, left_out: Sequence[str] = ()) -> str:
    """The leaderboard in one of `zoo.board.FORMATS`.

    Args:
        frame: From `zoo.board.leaderboard.leaderboard`.
        style: `table` or `md` for people; `csv` and `json` hold every column.
        left_out: Sentences about what `--all` has left out, for people to find below the board.
    """
    if style == "csv":
        return to_csv(frame)
    if style == "json":
        return _json(json.loads(frame.to_json(orient="records", double_precision=10)))
    boards = [_board(part, style) for _, part in frame.groupby(list(BOARD), sort=False)]
    if left_out:
        sentence = f"Left out of --all: {'; '.join(left_out)}."
        boards.append(f"{_escape(sentence) if style == 'md' else sentence}\n")
    return "\n".join(boards) if boards else "no results\n"


def _json(records: list[dict[str, Any]]) -> str:
    """Flat records as `json.dumps` writes them at an indent of 1, in a tenth of its time."""
    if not records:
        return "[]\n"
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",\n  ", ": "))
    inner = (encoder.encode(record)[1:-1] for record in records)
    return "[\n" + ",\n".join(f" {{\n  {text}\n }}" for text in inner) + "\n]\n"


def _board(frame: pd.DataFrame, style: str) -> str:
    first = frame.iloc[0]
    seeds = "1 seed" if first["trainings"] == 1 else f"{first['trainings']} seeds"
    where = f"{seeds} · trained on {first['device']}"
    title = f"{first['dataset']} · preset {first['preset']} · {where}"
    lines = [_floor_line(frame), *(_line(line) for _, line in frame.iterrows())]
    markdown = style == "md"
    headings = [name.replace("\n", " ") if markdown else name for name in lines[0]]
    cells = [[_escape(x) if markdown else x for x in line.values()] for line in lines]
    table = tabulate(
        cells,
        headings,
        tablefmt="pipe" if markdown else "simple",
        disable_numparse=True,
        colalign=["right", "left", "left", *["right"] * (len(headings) - 4), "left"],
    )
    if not markdown:
        table = _set_apart(table, list(frame["part"]))
    heading = f"### {title}" if markdown else title
    return f"{heading}\n\n{table}\n\n{_legend(frame)}\n"


def _line(line: pd.Series[Any]) -> dict[str, str]:
    failed = line["part"] == "failed"
    interval = f"[{_number(line['rg_w1_low'], 3)}, {_number(line['rg_w1_high'], 3)}]"
    return {
        "#": "" if pd.isna(line["rank"]) else str(line["rank"]),
        "model": str(line["model"]),
        "sampler": str(line["sampler"]),
        "Rg W1\n[std]": _number(line["rg_w1"], 3),
        "95%\ninterval": "–" if math.isnan(line["rg_w1_low"]) else interval,
        "×\nfloor": _number(line["rg_w1_ratio"], 1),
        "bond W1\n[σ]": _number(line["bond_w1"], 4),
        "Ree W1\n[std]": _number(line["ree_w1"], 3),
        "calls": _number(line["nfe"], 0),
        "CPU\n[µs/sample]": _time(line["cpu_us_per_sample"]),
        "CUDA\n[µs/sample]": _time(line["cuda_us_per_sample"]),
        "training\n[s]": _number(line["train_seconds"], 1),
        "notes": _short(f"{line['status']}: {line['reason']}") if failed else _notes(line),
    }


def _notes(line: pd.Series[Any]) -> str:
    clocks = {word for device in ("cpu", "cuda") for word in line[f"{device}_clock"].split()}
    words = [str(line["flags"]), *sorted(clocks), _short(str(line["reason"]))]
    return " ".join(filter(None, words))


def _floor_line(frame: pd.DataFrame) -> dict[str, str]:
    """What a perfect model would get, at the head of the board."""
    found = frame.dropna(subset=["rg_w1_floor"])
    floors = found.iloc[0] if len(found) else frame.iloc[0]
    band = f"[{_number(floors['rg_w1_floor_low'], 3)}, {_number(floors['rg_w1_floor_high'], 3)}]"
    blank = dict.fromkeys(_line(frame.iloc[0]), "")
    return blank | {
        "model": "floor",
        "sampler": "truth against truth",
        "Rg W1\n[std]": _number(floors["rg_w1_floor"], 3),
        "95%\ninterval": band,
        "×\nfloor": "1.0",
        "bond W1\n[σ]": _number(floors["bond_w1_floor"], 4),
        "Ree W1\n[std]": _number(floors["ree_w1_floor"], 3),
    }


def _set_apart(table: str, parts: list[str]) -> str:
    """A blank line under the floor and between ranked, reference and failed lines."""
    *head, floor = table.splitlines()[: -len(parts)]
    spaced = [*head, floor]
    for line, part, before in zip(
        table.splitlines()[-len(parts) :], parts, ["floor", *parts], strict=False
    ):
        spaced += [line] if part == before else ["", line]
    return "\n".join(spaced)


def _legend(frame: pd.DataFrame) -> str:
    first = frame.iloc[0]
    threads = "1 thread" if first["timing_threads"] == 1 else f"{first['timing_threads']} threads"
    alone = first["trainings"] == 1
    draws = " or ".join(f"{n:,}" for n in sorted(set(frame["draws"])))
    over = "draws and test sets, not trainings" if alone else "seeds, draws and test sets"
    return (
        f"Means over seeds of {draws} conformations each; lower is better; std: of the "
        f"test conformations' value. 95% interval: over {over}.\n"
        f"{_worth(first)}"
        "Rank: one more than the lines that are better beyond doubt; references and failed lines "
        "have none. indistinguishable: in Rg alone, the interval meets the floor's 95% band. "
        "copies: nearer to training conformations than truth is.\n"
        f"Times: median per conformation in batches of {first['timing_batch']:,}, {threads}, "
        f"torch {first['torch']}, {first['cpu']}, {first['gpu'] or 'no GPU'}. unstable, busy, "
        "uneven, apart and stated are doubts about a time."
    )


def _worth(line: pd.Series[Any]) -> str:
    """A sentence about test conformations that are not independent of one another."""
    size, effective = line["test_size"], line["test_effective"]
    if pd.isna(size) or effective >= size:
        return ""
    return (
        f"Test set: {size:,.0f} conformations that follow one another in time, worth "
        f"{effective:,.0f} independent ones; floors and intervals by resampling them in blocks.\n"
    )


def _short(text: str, most: int = 60) -> str:
    """Cut a text for the table; the CSV has it whole."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _number(value: float, digits: int) -> str:
    return "–" if pd.isna(value) else f"{value:.{digits}f}"


def _time(value: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_ACTIVE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|", "](": "]\\(", "![": "!\\["}


def _escape(text: str) -> str:
    """Keep text from becoming HTML, a link, a picture or a cell of its own."""
    for character, safe in _ACTIVE.items():
        text = text.replace(character, safe)
    return " ".join(text.split())
