"""Why a kept row would be made again: what of all it depends on is another one today."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from zoo.errors import StoreError, UsageError, ZooError
from zoo.harness.jobs import drawing, evaluation, scoring, training
from zoo.harness.plan import Plan, make_plan
from zoo.harness.settings import Settings
from zoo.harness.stages import Materialise, Stage
from zoo.harness.store import Result, Store
from zoo.harness.verify import kept_data
from zoo.registry import Registry

Row = Mapping[str, Any]

_WORDS = {
    "source": "the zoo's own code",
    "data": "the data",
    "trained": "the training",
    "drawn": "what was drawn",
    "density": "the density",
}
"""What a part is called where the name of the field says too little."""


@dataclass(frozen=True)
class Change:
    """Something that a result depends on, and that is not what it was.

    Args:
        stage: The stage whose result it is.
        part: What has changed.
        was: What it was, shortened.
        now: What it is.
    """

    stage: str
    part: str
    was: str
    now: str


def explain(row: Row, registry: Registry, store: Store) -> list[Change]:
    """What has changed since a row was made, stage by stage.

    What follows from a change in an earlier stage is not told again.

    Args:
        row: The row.
        registry: What is installed now.
        store: Where its results are kept; it is only read.

    Returns:
        The changes; none if the same command would find everything.

    Raises:
        UsageError: If something the row was made with is not installed.
        StoreError: If its data are not kept.
    """
    try:
        plan = _plan_of(row, registry)
        data = kept_data(store, row["made_by"]["data_sha256"])
        keys = row["made_by"]["keys"]
    except (KeyError, TypeError) as error:
        raise UsageError(f"the row does not say what it was made of: {error} is missing.") from None
    found = list(_compare(data, Materialise(plan.dataset)))
    kept: dict[str, Result] = {}
    for name, key in keys.items():
        try:
            kept[name] = store.check(name, key)
        except StoreError as error:
            found.append(Change(name, "its result", "kept", str(error).rstrip(".")))
    for stage in _stages(row, plan, data, kept):
        found += _compare(kept[stage.name], stage)
    return found


def _plan_of(row: Row, registry: Registry) -> Plan:
    """The plan of a run that would make the row."""
    known = {field.name for field in fields(Settings)}
    settings = Settings(**{k: v for k, v in row["settings"].items() if k in known})
    try:
        return make_plan(registry, [row["model"]], [row["sampler"]], row["dataset"], settings)
    except ZooError as error:
        raise UsageError(f"it cannot be made again: {error}") from None


def _stages(row: Row, plan: Plan, data: Result, kept: Mapping[str, Result]) -> Iterator[Stage]:
    """The stages of the row's job as they are now, each on what is kept of the one before."""
    entry, made_by = plan.entries[0], row["made_by"]
    if "train" not in kept:
        return
    train = training(plan, entry.model, data, row["seed"], made_by["device"])
    yield train
    if "density" in kept:
        yield evaluation(plan, train, kept["train"])
    if "sample" in kept:
        yield drawing(plan, entry, train, kept["train"])
        if "score" in kept:
            yield scoring(plan, entry, kept["sample"], data, kept.get("density"))


def _compare(kept: Result, stage: Stage) -> Iterator[Change]:
    if kept.key == stage.key:
        return
    if not kept.identity:
        yield Change(
            stage.name, "its key", kept.key, f"{stage.key}; an earlier version kept no more"
        )
        return
    was, now = (dict(_parts(depends)) for depends in (kept.identity, stage.depends_on))
    for part in dict.fromkeys((*was, *now)):
        if was.get(part) != now.get(part):
            yield Change(stage.name, part, _short(was.get(part)), _short(now.get(part)))


def _parts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """The leaves of a record, by the words that lead to them; plugins in lists by their names."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _parts(inner, (*path, str(name)))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for one in value:
            yield from _parts(one, (*path, str(one.get("plugin", "?"))))
    else:
        words = " ".join(path)
        yield _WORDS.get(words, words), value


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{8,}\b", r"\1", str(value))
