"""What a plugin says of itself before anything heavy is imported.

A spec is a frozen line of a menu: name, factory, one sentence, and what it offers or needs.
The matrix of entries, `zoo list` and `--dry-run` follow from specs alone, so this module
imports nothing but the standard library and pluggy.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, ClassVar

import pluggy

API = 1
"""The contract's number. A spec names the number it was written for, and never by default."""

OLDEST_API = 1
"""The oldest contract that still works. It follows `API` one minor release later."""

HEADLINE = "rg_w1"
"""The metric lines are ranked by; a job without it has no result."""

hookimpl = pluggy.HookimplMarker("zoo")
"""Marks a function of a plugin module as one of the zoo's hooks."""

Factory = str | Callable[..., Any]
"""Either `"package.module:Name"`, imported when first needed, or the callable itself."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What every kind of plugin says of itself.

    Args:
        api: Number of the contract the plugin was written for (see `zoo.API`).
        name: Lower-case name, `[a-z][a-z0-9_-]{0,39}`.
        factory: What builds it; `"package.module:Name"` keeps the menu free of torch.
        summary: One line for `zoo list`.
    """

    kind: ClassVar[str]
    api: int
    name: str
    factory: Factory
    summary: str


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec):
    """A model: `factory(shape, **options)` with `shape = (beads, dim)` gives a `zoo.Model`.

    Args:
        offers: Any of `draw` (one pass), `path` (noise to data) and `log_prob` (density).
        reference: Whether its line stands apart from the ranked ones.
        needs: What the dataset must offer (`fresh`, `energy`, `log_prob`). Only a reference
            may need anything; its factory then gets the dataset as `dataset=...`.
        slow: Whether it takes many times what others take. `zoo run --all` then leaves it out,
            unless the preset is `full`.

    Example:
        >>> ModelSpec(api=1, name="gauss", factory="zoo_gauss:Gauss", summary="one normal",
        ...           offers={"draw", "log_prob"}).kind
        'model'
    """

    kind: ClassVar[str] = "model"
    offers: Set[str]
    reference: bool = False
    needs: Set[str] = frozenset()
    slow: bool = False


@dataclass(frozen=True, kw_only=True)
class SamplerSpec(Spec):
    """A sampler: `factory(**options)` gives a `zoo.Sampler`.

    Args:
        needs: What a model must offer to be sampled this way (`draw`, `path`, `log_prob`).
        exact: Whether its draws follow the model's own density, up to a solver's error. Noise
            that is added on the way, or a coarse rule in place of a solver, leads elsewhere.
    """

    kind: ClassVar[str] = "sampler"
    needs: Set[str]
    exact: bool = False


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """A metric: `factory(**options)` gives a `zoo.Metric`.

    Args:
        unit: Unit of the value, such as `σ`, `kT`, `std` (of the test value) or `` for a ratio.
        best: The value of a perfect model with unlimited samples; `None` where it depends on
            the data, and the floor says it.
        lower_is_better: Direction; `False` where larger is better, up to `best`; `None` where
            nearer to the floor is.
        needs: What the dataset must offer (`energy`, `log_prob`).
        model_needs: Which log-densities of the model it asks for, by their names in `zoo.Drawn`:
            `test_log_prob`, which every model with a density has, or `log_prob`, which has a
            meaning only where the sampler is `exact`. Other entries have no such value.
    """

    kind: ClassVar[str] = "metric"
    unit: str
    best: float | None
    lower_is_better: bool | None
    needs: Set[str] = frozenset()
    model_needs: Set[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class EngineSpec(Spec):
    """An engine: `factory(**options)` gives a `zoo.Engine`.

    Example:
        >>> EngineSpec(api=1, name="ray", factory="zoo_ray:Ray", summary="tasks of Ray").kind
        'engine'
    """

    kind: ClassVar[str] = "engine"


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """A dataset: `factory(**options)` gives a `zoo.Dataset`.

    Args:
        offers: Any of `energy`, `log_prob` and `fresh` (new exact conformations at will).
        source: Where the data come from.
        license: Terms of the data.
    """

    kind: ClassVar[str] = "dataset"
    offers: Set[str]
    source: str
    license: str
