"""The hooks a plugin module may implement, one for each kind of plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import pluggy

from zoo.specs import DatasetSpec, EngineSpec, MetricSpec, ModelSpec, SamplerSpec, Spec

hookspec = pluggy.HookspecMarker("zoo")


class Hooks(Protocol):
    """What pluggy compares a plugin's functions with. They take no arguments."""

    @hookspec
    def zoo_models(self) -> Iterable[ModelSpec]:
        """The models of a plugin."""
        ...

    @hookspec
    def zoo_samplers(self) -> Iterable[SamplerSpec]:
        """The samplers of a plugin."""
        ...

    @hookspec
    def zoo_metrics(self) -> Iterable[MetricSpec]:
        """The metrics of a plugin."""
        ...

    @hookspec
    def zoo_datasets(self) -> Iterable[DatasetSpec]:
        """The datasets of a plugin."""
        ...

    @hookspec
    def zoo_engines(self) -> Iterable[EngineSpec]:
        """The engines of a plugin."""
        ...


HOOKS: Mapping[str, type[Spec]] = {
    "zoo_models": ModelSpec,
    "zoo_samplers": SamplerSpec,
    "zoo_metrics": MetricSpec,
    "zoo_datasets": DatasetSpec,
    "zoo_engines": EngineSpec,
}
"""What each hook yields."""
