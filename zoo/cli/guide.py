"""`zoo guide`: draws steered to wanted values, held against the truth there."""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from zoo.cli.shared import budget_of, registry_of, write
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.harness.plan import Entry
    from zoo.harness.run import Run
    from zoo.harness.store import Result

QUANTILES = (0.0005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.9995)
"""Where in the training set targets lie by default: five across its central 90%, two far out."""

BEYOND = 0.05
"""How much further than all of the training set the first and the last target are, relatively."""

SCALES = [1.0, 3.0]

FEWEST = 100
"""Draws below which there is nothing to compare."""

UNHARMED = {"bond_w1": "bonds", "contact_w1": "contacts", "energy_w1": "energy", "ree_w1": "ends"}
"""Metrics that tell whether a chain of the wanted size is otherwise a true one."""


LEGEND = """\
wanted, mean, spread: the observable in σ; the spread of the truth is that of a window around the
value. calls: of the path model; guidance by a classifier asks a regressor and its gradient as well,
at each of them. What follows are distances from true conformations of that window, over what two
true sets of the same size differ by (×1.0 is the truth itself); – where too few were found."""


def guide(options: argparse.Namespace) -> int:
    """`zoo guide`: a line for each model, scale and target."""
    from zoo import api
    from zoo.cli.progress import ProgressDisplay
    from zoo.harness.aims import Windows
    from zoo.harness.guidance import across
    from zoo.harness.plan import make_plan

    if options.n < FEWEST:
        raise UsageError(f"-n {options.n}: expected at least {FEWEST} draws, to be compared with.")
    samplers = [options.sampler] if options.sampler else None
    settings = budget_of(options)
    plan = make_plan(registry_of(options), options.models, samplers, options.dataset, settings)
    entries = {entry.model: entry for entry in reversed(plan.entries)}
    for model in entries:
        if "path" not in model.listing.spec.offers:
            raise UsageError(f"{model.label} draws in one pass: there is no way to steer.")
    scales = options.scales or SCALES
    count = len(options.targets or [*QUANTILES, BEYOND, BEYOND])
    with ProgressDisplay(2 + len(entries) * (2 + 2 * len(scales) * count)) as display:
        work = api.prepare(plan, options.out, options.device, 1, display)
        data = work.data()
        values = tuple(options.targets or across(data, options.observable, QUANTILES, BEYOND))
        looked = Windows(plan.dataset, data, options.observable, values, options.n)
        windows = work.demand(looked, f"{plan.dataset.label} where it is wanted")
        lines = [
            line
            for model in plan.models
            for line in _lines(
                work, entries[model], windows, options, itertools.product(scales, values)
            )
        ]
    title = f"{options.observable} wanted, {plan.dataset.label}, preset {options.preset}"
    write(_shown(lines, f"{title}, seed {options.seed}", options.format))
    return 0


def _lines(
    work: Run,
    entry: Entry,
    windows: Result,
    options: argparse.Namespace,
    wanted: Iterable[tuple[float, float]],
) -> Iterator[dict[str, Any]]:
    """What became of each scale and target of one model."""
    from zoo.harness.aims import Hit, Steer
    from zoo.harness.stages import Sample, Target

    plan, data = work.plan, work.data()
    batch = min(options.n, plan.settings.batch)
    metrics = tuple(one for one in plan.metrics if not one.listing.spec.model_needs)
    train = work.train(entry.model, data, options.seed)
    trained = work.demand(train, entry.label)
    way = Steer(train, trained, entry.sampler, options.observable, plan.settings.batch)
    steered = work.demand(way, entry.label)
    for scale, value in wanted:
        label = f"{entry.label} {options.observable}={value:g}"
        target = Target(options.observable, value, scale, steered)
        stage = Sample(train, trained, entry.sampler, options.n, batch, target=target)
        drawn = work.demand(stage, label)
        hit = Hit(drawn, windows, plan.dataset, data, metrics, options.observable, value)
        yield {
            "model": entry.model.label,
            "sampler": entry.sampler.label,
            "method": steered.facts["method"],
            "guidance": scale,
            "target": value,
            "network_calls": drawn.facts["network_calls"],
            **work.demand(hit, label).facts,
        }


def _shown(lines: list[dict[str, Any]], title: str, style: str) -> str:
    from tabulate import tabulate

    if style == "json":
        return json.dumps(lines, indent=1, allow_nan=False) + "\n"
    kind = {"table": "simple", "md": "pipe"}[style]
    table = tabulate(map(_cells, lines), "keys", kind, disable_numparse=True)
    return f"{title}\n\n{table}\n\n{LEGEND}\n"


def _cells(line: dict[str, Any]) -> dict[str, str]:
    error = line["std"] / math.sqrt(line["n"])
    spread = f"{line['true_std']:.3f}" if "true_std" in line else "–"
    cells = {
        "model": f"{line['model']} · {line['sampler']}",
        "method": line["method"],
        "guidance": f"{line['guidance']:g}",
        "wanted": f"{line['target']:.2f}",
        "mean": f"{line['mean']:.3f} ± {error:.3f}",
        "off by": f"{100 * (line['mean'] / line['target'] - 1):+.1f}%",
        "spread (true)": f"{line['std']:.3f} ({spread})",
        "calls": f"{line['network_calls']:.0f}",
    }
    for metric, title in UNHARMED.items():
        cells[title] = _ratio(line, metric)
    return cells


def _ratio(line: dict[str, Any], metric: str) -> str:
    """A metric over its floor, or – where there is too little truth to compare with."""
    if metric not in line.get("floors", {}):
        return "–"
    return f"×{line['values'][metric] / line['floors'][metric]:.1f}"
