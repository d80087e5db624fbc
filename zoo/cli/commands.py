"""One function per command: options in, text out, exit status back."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import TYPE_CHECKING, Any

from zoo.cli.arguments import DATASET
from zoo.cli.gates import is_key, show_kept
from zoo.cli.report import report_run
from zoo.cli.shared import budget_of, finish, note, registry_of, write
from zoo.errors import UsageError
from zoo.registry import Listing, Registry
from zoo.registry.factories import load
from zoo.wording import counted, did_you_mean

if TYPE_CHECKING:
    from zoo.harness.plan import Plan

NOTHING = 5
KINDS = ("model", "sampler", "metric", "dataset", "engine")


def run(options: argparse.Namespace) -> int:
    """`zoo run`: train, draw, score, time, and print the leaderboard."""
    from zoo import api
    from zoo.cli.expected import expected
    from zoo.cli.progress import ProgressDisplay
    from zoo.harness.engines import build_engine

    registry = registry_of(options)
    plans = _plans(options, registry)
    left_out = tuple(dict.fromkeys(sentence for plan in plans for sentence in plan.left_out))
    for sentence in (*_quarantined(registry), *left_out):
        note(sentence)
    carrier = registry.find("engine", options.engine)
    if options.dry_run:
        write("\n".join(map(_outline, plans)))
        here = carrier.listing.spec.name == "local"
        for sentence in expected(plans, options.out, options.device, options.jobs, here=here):
            note(sentence)
        return 0 if all(plan.entries for plan in plans) else NOTHING
    once_more = len(plans) - 1  # other data than the first are made before, and found again
    stages = sum(map(_stages, plans)) + once_more
    with build_engine(carrier) as engine, ProgressDisplay(stages) as display:
        prepared = api.prepare(
            plans[0], options.out, options.device, options.jobs, display, engine=engine
        )
        own, board = api.carry_out(prepared, plans[1:])
    status = finish(options, own, board, left_out)
    if not options.no_report:
        report_run(options, registry)
    return status


def _plans(options: argparse.Namespace, registry: Registry) -> list[Plan]:
    """What is asked for; a word that is no model's name and is a dataset's means the dataset."""
    from zoo.harness.plan import make_plans

    datasets = [
        name
        for name in options.names
        if registry.has("dataset", name) and not registry.has("model", name)
    ]
    models = [name for name in options.names if name not in datasets]
    if models and options.all:
        raise UsageError("give the names of models, or --all to run every one, but not both.")
    if not (models or options.all):
        raise UsageError("name the models to run, or give --all to run every one.")
    datasets += options.dataset or ()
    return make_plans(
        registry,
        None if options.all else models,
        options.sampler,
        datasets or [DATASET],
        budget_of(options, options.seeds, compiled=options.compiled),
    )


def list_plugins(options: argparse.Namespace) -> int:
    """`zoo list`: everything installed, quarantined plugins last."""
    registry = registry_of(options)
    kinds = [options.kind] if options.kind else list(KINDS)
    lines = [_listed(listing) for kind in kinds for listing in registry.of(kind)]
    out = [plugin for plugin in registry.plugins if plugin.status != "ok"]
    if options.format == "json":
        set_aside = [
            {
                "plugin": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "status": plugin.status,
                "reason": plugin.reason,
            }
            for plugin in out
        ]
        write(json.dumps({"installed": lines, "set_aside": set_aside}, indent=1) + "\n")
        return 0
    from tabulate import tabulate

    write(tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True) + "\n")
    for plugin in out:
        write(f"\n{plugin.status}: {plugin.name} ({plugin.distribution} {plugin.version})\n")
        write(f"  {plugin.reason}\n")
    return 0


def show(options: argparse.Namespace) -> int:
    """`zoo show NAME`: what one plugin is and which options it takes; or see `show_kept`."""
    if len(options.names) > 1 or is_key(options.names[0], options.out):
        return show_kept(options)
    registry = registry_of(options)
    listing = _find_any(registry, options.names[0])
    factory = load(listing)
    facts = _listed(listing) | {"factory": str(listing.spec.factory)}
    if facts["kind"] == "metric":
        facts |= {"unit": listing.spec.unit or "none", "best": _direction(listing.spec)}
    if facts["kind"] == "dataset":
        facts |= {"source": listing.spec.source, "license": listing.spec.license}
    width = max(map(len, facts))
    write("".join(f"{key:<{width}}  {value}\n" for key, value in facts.items()))
    write(f"\n{inspect.cleandoc(inspect.getdoc(factory) or 'No description.')}\n")
    write("\noptions:\n")
    parameters = [
        p for p in inspect.signature(factory).parameters.values() if p.default is not p.empty
    ]
    for parameter in parameters:
        write(f"  {parameter.name}={parameter.default!r}\n")
    if not parameters:
        write("  none\n")
    return 0


def show_leaderboard(options: argparse.Namespace) -> int:
    """`zoo leaderboard`: print what a results folder holds."""
    from zoo import boards
    from zoo.board.tables import render

    frame = boards.leaderboard(options.out)
    if frame.empty:
        note(f"{options.out} holds no results.")
        return NOTHING
    write(render(frame, options.format))
    return 0


def power(options: argparse.Namespace) -> int:
    """`zoo power`: the smallest defect that each metric tells from the truth."""
    from zoo import api
    from zoo.board.power import power_table, render_power
    from zoo.cli.progress import ProgressDisplay
    from zoo.harness.plan import make_plan

    settings = api.budget(options.preset)
    plan = make_plan(registry_of(options), [], [], options.dataset, settings)
    if "fresh" not in plan.dataset.listing.spec.offers:
        raise UsageError(
            f"dataset {plan.dataset.label!r} cannot draw fresh conformations to spoil. "
            "Choose one that offers 'fresh'."
        )
    with ProgressDisplay(6) as display:
        found, floors = api.prepare(plan, options.out, "cpu", None, display).power()
    metrics = [metric.label for metric in plan.metrics]
    write(render_power(power_table(metrics, found, floors), options.format))
    return 0


def _listed(listing: Listing) -> dict[str, str]:
    spec: Any = listing.spec
    needs = {*getattr(spec, "needs", ()), *getattr(spec, "model_needs", ())}
    words = [*getattr(spec, "offers", ())], [*needs]
    return {
        "kind": spec.kind,
        "name": spec.name,
        "version": listing.plugin.version,
        "distribution": listing.plugin.distribution,
        "offers": " ".join(sorted(words[0])),
        "needs": " ".join(sorted(words[1])),
        "summary": spec.summary,
    }


def _direction(spec: Any) -> str:  # noqa: ANN401 - a MetricSpec
    """Which values of a metric are good."""
    if spec.lower_is_better is None:
        return "near the floor"
    best = "what the floor is" if spec.best is None else f"{spec.best:g}"
    return f"{best}; {'lower' if spec.lower_is_better else 'higher, up to that,'} is better"


def _find_any(registry: Registry, name: str) -> Listing:
    for kind in KINDS:
        if any(name in (x.spec.name, x.qualified) for x in registry.of(kind)):
            return registry.find(kind, name).listing
    if ".py:" in name:
        return registry.find("model", name).listing
    for plugin in registry.plugins:
        if plugin.status != "ok" and name.partition("/")[0] in (plugin.name, plugin.distribution):
            raise UsageError(f"{plugin.title} is {plugin.status}: {plugin.reason}.")
    names = sorted({x.spec.name for kind in KINDS for x in registry.of(kind)})
    hint = did_you_mean(name, names)
    raise UsageError(f"nothing is named {name!r}.{hint} Installed: {', '.join(names)}.")


def _quarantined(registry: Registry) -> list[str]:
    return [
        f"{plugin.title} is left out: {plugin.reason}."
        for plugin in registry.plugins
        if plugin.status == "quarantined"
    ]


def _outline(plan: Plan) -> str:
    seeds = plan.settings.seeds
    lines = [f"{entry.label} × {counted(seeds, 'seed')}\n" for entry in plan.entries]
    counts = [
        counted(len(plan.models) * seeds, "training"),
        counted(len(plan.entries) * seeds, "job"),
        counted(len(plan.metrics), "metric"),
    ]
    title = f"{plan.dataset.label}, preset {plan.settings.preset}: {', '.join(counts)}"
    return f"{title}\n{''.join(lines)}"


def _stages(plan: Plan) -> int:
    """How many stages of a plan will end: data, floor, clocks, and what each training leads to."""
    dense = {entry.model for entry in plan.entries if plan.densities_of(entry)}
    return 3 + plan.settings.seeds * (len(plan.models) + len(dense) + 2 * len(plan.entries))
