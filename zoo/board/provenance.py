"""What made a line's figures, and the command that makes them again, for people to read."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tabulate import tabulate

from zoo.board.cells import number
from zoo.board.judgement import Line
from zoo.board.text import number_text
from zoo.wording import printable

Row = Mapping[str, Any]


def provenance(line: Line, rows: Mapping[str, Row], metrics: tuple[str, ...], out: str) -> str:
    """Everything there is to say of a line.

    Args:
        line: The line, as text.
        rows: The rows it was made of, by their keys.
        metrics: Names of the metrics it may have.
        out: The results folder.
    """
    first = next(iter(rows.values()))
    title = (
        f"{line['model']} · {line['sampler']} · {line['dataset']} · preset {line['preset']} · "
        f"trained on {line['device']}"
    )
    quality = [_metric(line, metric) for metric in metrics if line.get(metric)]
    parts = [
        title,
        _pairs(_status(line, rows)),
        tabulate(quality, "keys", "simple", disable_numparse=True, colalign=_ALIGN)
        if quality
        else "no quality figures",
        _pairs(_costs(line)),
        _pairs(_makers(line, first)),
        "\n".join(_kept(rows, out)),
        _again(first, [row["seed"] for row in rows.values()], out),
    ]
    text = "\n\n".join(part for part in parts if part)
    return "\n".join(printable(part) for part in text.split("\n")) + "\n"


_ALIGN = ("left", "right", "left", "right", "left", "right", "left")


def _again(row: Row, seeds: list[int], out: str) -> str:
    if row["made_by"].get("brought"):
        return "again: from files with `zoo score`; `zoo verify` scores what is kept of them"
    return f"again: {command(row, seeds, out)}"


def command(row: Row, seeds: list[int], out: str) -> str:
    """The command that makes rows again, in a folder of its own, since kept ones are not.

    Args:
        row: Any of the rows.
        seeds: Their seeds.
        out: The results folder they are in.

    Example:
        >>> row = {"model": "vae[latent=4]", "sampler": "direct", "dataset": "bead-spring",
        ...        "settings": {"preset": "quick"}, "made_by": {"device": "cpu"}}
        >>> print(command(row, [0, 1], "zoo-results"))
        zoo run 'vae[latent=4]' --sampler direct --dataset bead-spring --preset quick --seeds 2
        --device cpu --out zoo-results-again
    """
    preset, *compiled = row["settings"]["preset"].split()
    words = {
        "--sampler": row["sampler"],
        "--dataset": row["dataset"],
        "--preset": preset,
        "--seeds": max(seeds) + 1,
        "--device": row["made_by"]["device"],
        "--out": f"{out.rstrip('/')}-again",
    }
    options = " ".join(f"{option} {_quoted(word)}" for option, word in words.items())
    if compiled:
        options += " --compile"
    model = _quoted(row["model"])
    return f"zoo run {model} {options}" if model[0] != "-" else f"zoo run {options} -- {model}"


def _quoted(word: object) -> str:
    """A word as a shell takes it whole, also if it holds what a terminal would not show."""
    text = str(word)
    if text.isprintable():
        return shlex.quote(text)
    escaped = "".join(
        c if c.isprintable() and c not in "'\\" else "".join(f"\\x{b:02x}" for b in c.encode())
        for c in text
    )
    return f"$'{escaped}'"


def _metric(line: Line, metric: str) -> dict[str, str]:
    def band(name: str) -> str:
        ends = [number(line.get(f"{name}_{end}", "")) for end in ("low", "high")]
        return "" if any(map(math.isnan, ends)) else f"[{ends[0]:.4g}, {ends[1]:.4g}]"

    floor = f"{metric}_floor"
    return {
        "metric": metric,
        "value": number_text(line[metric]),
        "95% interval": band(metric),
        "floor": number_text(line.get(floor, "")),
        "95% band": band(floor),
        "× floor": number_text(line.get(f"{metric}_ratio", "")),
        "seeds": line.get(f"{metric}_seeds", ""),
    }


def _status(line: Line, rows: Mapping[str, Row]) -> Iterator[tuple[str, str]]:
    yield "status", f"{line['status']}: {line['reason']}" if line["reason"] else line["status"]
    yield "part", f"{line['part']} {line.get('rank', '')}".strip()
    yield "flags", line.get("flags", "")
    yield "seeds", " ".join(str(row["seed"]) for row in rows.values())
    yield "rows", " ".join(rows)
    yield "measured", line["measured"]


def _costs(line: Line) -> Iterator[tuple[str, str]]:
    yield "network calls", line["nfe"]
    yield "parameters", line["parameters"]
    yield "train_seconds", line["train_seconds"]
    for name, text in line.items():
        if name.startswith(("cpu_", "cuda_")) or name in ("exact_us_per_sample", "break_even"):
            yield name, text


def _makers(line: Line, row: Row) -> Iterator[tuple[str, str]]:
    made_by, machine = row["made_by"], row["made_by"]["machine"]
    for kind in ("model", "sampler", "dataset"):
        made = made_by[kind]
        options = ", ".join(f"{k}={v!r}" for k, v in made.get("options", {}).items())
        source = f"source {made['source'][:12] or 'unknown'}"
        yield kind, f"{made['plugin']} {made['version']}, {source}, options: {options or 'none'}"
    yield "data", f"SHA-256 {made_by['data_sha256']}"
    yield "epochs", line["epochs"]
    yield "settings", ", ".join(f"{k}={v}" for k, v in row["settings"].items())
    yield "zoo", f"{machine['zoo']} {machine['commit'] and 'commit ' + machine['commit']}".strip()
    yield "torch", str(machine["torch"])
    threads = f"{made_by.get('train_threads', 1)} thread for training"
    yield "device", f"{made_by['device']}, {threads}, {made_by['timing_threads']} for timing"
    yield "trained on", made_by["trained_on"]
    words = [f"{machine['cpu']}, {machine['cores']} cores, {machine['gpu'] or 'no GPU'}"]
    yield "machine", ", ".join(words + [str(machine[k]) for k in ("system",) if k in machine])


def _kept(rows: Mapping[str, Row], out: str) -> Iterator[str]:
    for key, row in rows.items():
        yield f"seed {row['seed']}: {out}/rows/{key}.json"
        for stage, found in row["made_by"].get("keys", {}).items():
            yield f"  {stage:<6}  {out}/{stage}/{found}"


def _pairs(pairs: Iterator[tuple[str, str]]) -> str:
    """Names and texts beneath one another, without those that are empty."""
    found = [(name, text) for name, text in pairs if text]
    width = max((len(name) for name, _ in found), default=0)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in found)
