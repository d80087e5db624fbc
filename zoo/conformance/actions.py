"""All that can be asked of a subject, for checks of what it must not do meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from zoo.conformance.preparation import (
    build,
    built,
    draw,
    drawer,
    finish,
    split,
    trained,
    true_pair,
)
from zoo.conformance.truth import SHAPE, truth
from zoo.contracts import Density, ExactDataset, OneShot, Path, Trainable
from zoo.registry import Choice

_Actions = dict[str, Callable[[], object]]


def actions(subject: Choice) -> _Actions:
    """All that can be asked of a subject, by what errors call it; the answers do not matter."""
    asked = {
        "model": _of_model,
        "sampler": _of_sampler,
        "metric": _of_metric,
        "dataset": _of_dataset,
        "engine": _of_engine,
    }
    return {"its construction": lambda: build(subject), **asked[subject.listing.spec.kind](subject)}


def _of_model(subject: Choice) -> _Actions:
    model, x = trained(subject), truth(SHAPE, 64)
    found: _Actions = {"fit": lambda: build(subject).fit(x.clone())}
    if isinstance(model, Trainable):
        found["loss"] = lambda: model.loss(x.clone())
    found["finish"] = lambda: finish(model, x)
    if isinstance(model, Density):
        found["log_prob"] = lambda: model.log_prob(x.clone())
    if isinstance(model, (OneShot, Path)):
        found["drawing"] = lambda: draw(model, 10)
    return found


def _of_sampler(subject: Choice) -> _Actions:
    draw = drawer(subject)
    return {"sample": lambda: draw(10)}


def _of_metric(subject: Choice) -> _Actions:
    metric = built(subject)
    return {"compute": lambda: metric.compute(*true_pair(subject, 200, seed=3))}


def _of_engine(_subject: Choice) -> _Actions:
    """Nothing more: what it is asked to do, it does elsewhere."""
    return {}


def _of_dataset(subject: Choice) -> _Actions:
    dataset = built(subject)
    found: _Actions = {"split": dataset.split}
    if isinstance(dataset, ExactDataset):
        found["fresh"] = lambda: dataset.fresh(10)
    for name in ("energy", "log_prob"):
        if hasattr(dataset, name):
            found[name] = partial(getattr(dataset, name), split(dataset)[1][:10])
    return found
