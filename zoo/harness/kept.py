"""Which of the kept rows a line or a name means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from zoo.errors import StoreError, UsageError

Row = Mapping[str, Any]


def find_rows(line: Mapping[str, str], rows: Mapping[str, Row]) -> dict[str, Row]:
    """The rows a line was made of, by their keys.

    Args:
        line: A line of a `leaderboard.csv`, as text.
        rows: All rows kept, by their keys.

    Raises:
        StoreError: If one is missing, is another line's, or there are too few or too many.
    """
    named = line.get("rows", "").split()
    for key in named:
        if key not in rows:
            raise StoreError(f"the row {key} is missing or cannot be read.")
        if not _belongs(rows[key], line):
            raise StoreError(f"the row {key} is of another line.")
    found = {key: rows[key] for key in named}
    if not named:
        newest: dict[int, str] = {}
        for key in sorted(rows, key=lambda key: str(rows[key].get("measured"))):
            if _belongs(rows[key], line):
                newest[rows[key]["seed"]] = key
        found = {newest[seed]: rows[newest[seed]] for seed in sorted(newest)}
    good = {row["seed"] for row in found.values() if row["status"] == "ok"}
    if str(len(good)) != line["seeds"] or not found:
        raise StoreError(f"{len(good)} seeds are kept, and the line says {line['seeds']}.")
    return found


def choose_rows(rows: Mapping[str, Row], names: Sequence[str], where: str) -> dict[str, Row]:
    """The rows of a model and a sampler, perhaps at a seed, or the row of a key.

    Args:
        rows: All rows kept, by their keys.
        names: Model, sampler and perhaps a seed; or the beginning of one key.
        where: What to call the folder they are kept in.

    Raises:
        UsageError: If there is none, or the key's beginning is that of several.
    """
    if len(names) == 1:
        found = {key: row for key, row in rows.items() if key.startswith(names[0])}
        if len(found) > 1:
            raise UsageError(f"{len(found)} rows in {where!r} begin with {names[0]!r}. Give more.")
    else:
        found = {
            key: row
            for key, row in rows.items()
            if [row.get("model"), row.get("sampler"), str(row.get("seed"))][: len(names)]
            == list(names)
        }
    if not found:
        labels = {f"{row.get('model')} {row.get('sampler')}" for row in rows.values()}
        own = sorted(label for label in labels if label.split(" ")[0] == names[0])
        if own and len(names) == 1:
            raise UsageError(
                f"{names[0]!r} is not the key of a row in {where!r}. Give model and sampler, "
                f"perhaps a seed: {', '.join(own[:5])}."
            )
        near = get_close_matches(" ".join(names[:2]), sorted(labels), n=3, cutoff=0.3)
        there = f"Near it are: {', '.join(near)}." if near else "See `zoo leaderboard`."
        raise UsageError(f"no row of {' '.join(names)!r} is kept in {where!r}. {there}")
    return found


def _belongs(row: Row, line: Mapping[str, str]) -> bool:
    try:
        made_by = row["made_by"]
        sha256 = made_by["data_sha256"].startswith(line["data_sha256"])
        same = [row[name] == line[name] for name in ("model", "sampler", "dataset")]
        budget = row["settings"]["preset"], made_by["device"]
        return sha256 and all(same) and budget == (line["preset"], line["device"])
    except (KeyError, TypeError, AttributeError):
        return False
