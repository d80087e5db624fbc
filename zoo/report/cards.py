"""The card of a line: everything that is known of it, and the command that makes it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zoo.board.provenance import command
from zoo.board.text import number_text
from zoo.report.records import Entry, Row
from zoo.report.table import interval, notes


@dataclass(frozen=True)
class Card:
    """What a card says.

    Args:
        facts: Names and texts.
        metrics: One row of texts for each metric: see `METRIC_HEADINGS`.
        again: The command; empty where none would do.
    """

    facts: tuple[tuple[str, str], ...]
    metrics: tuple[tuple[str, ...], ...]
    again: str


METRIC_HEADINGS = ("metric", "value", "95% interval", "floor", "95% band", "× floor", "by seed")


def make_card(entry: Entry, metrics: tuple[str, ...], out: str) -> Card:
    """Put together the card of a line.

    Args:
        entry: The line.
        metrics: The metrics it may have.
        out: The results folder, as the command names it.
    """
    brought = any(row["made_by"].get("brought") for row in entry.rows)
    again = ""
    if entry.rows and not brought:
        again = command(entry.rows[0], [int(row["seed"]) for row in entry.rows], out)
    found = tuple(_metric(entry, name) for name in metrics if entry.text.get(name))
    return Card(tuple((k, v) for k, v in _facts(entry) if v), found, again)


def _metric(entry: Entry, name: str) -> tuple[str, ...]:
    text, floor = entry.text, f"{name}_floor"
    return (
        *(name, number_text(text[name]), _band(entry, name)),
        *(number_text(text.get(floor, "")), _band(entry, floor)),
        *(number_text(text.get(f"{name}_ratio", "")), text.get(f"{name}_seeds", "")),
    )


def _band(entry: Entry, name: str) -> str:
    ends = [number_text(entry.text.get(f"{name}_{end}", "")) for end in ("low", "high")]
    return f"[{ends[0]}, {ends[1]}]" if all(ends) else ""


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    line, text = entry.line, entry.text
    yield "status", f"{line['status']}: {line['reason']}" if line["reason"] else line["status"]
    yield "notes", "" if entry.part == "failed" else notes(entry)
    yield "seeds", " ".join(str(row["seed"]) for row in entry.rows)
    yield "parameters", text["parameters"]
    yield "epochs", text["epochs"]
    for device in ("cpu", "cuda"):
        if text.get(f"{device}_us_per_sample"):
            value = f"{number_text(text[f'{device}_us_per_sample'])} µs per conformation"
            yield f"time on {device}", f"{value} {interval(line, f'{device}_us', -1)}"
    if entry.rows:
        yield from _makers(entry.rows[0])
    yield "measured", text["measured"]
    yield "rows", text["rows"]
    yield "not kept", " ".join(entry.missing)


def _makers(row: Row) -> Iterator[tuple[str, str]]:
    made_by, machine = row["made_by"], row["made_by"]["machine"]
    for kind in ("model", "sampler", "dataset"):
        made = made_by[kind]
        options = ", ".join(f"{name}={value!r}" for name, value in made.get("options", {}).items())
        source = f"source {made['source'][:12] or 'unknown'}"
        yield kind, f"{made['plugin']} {made['version']}, {source}, options: {options or 'none'}"
    yield "data", f"SHA-256 {made_by['data_sha256']}"
    yield "settings", ", ".join(f"{name}={value}" for name, value in row["settings"].items())
    yield "trained on", str(made_by["trained_on"])
    yield "machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['gpu'] or 'no GPU'}"
    commit = f", commit {machine['commit']}" if machine["commit"] else ""
    yield "made with", f"zoo {machine['zoo']}{commit}, torch {machine['torch']}"
