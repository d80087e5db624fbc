"""`zoo`: generative models of molecular conformations, compared honestly.

The public names. Each is imported when first used, so that the command line starts fast and
a plugin's menu costs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.specs import API, DatasetSpec, EngineSpec, MetricSpec, ModelSpec, SamplerSpec, hookimpl

if TYPE_CHECKING:
    from zoo.api import run
    from zoo.boards import leaderboard
    from zoo.contracts import (
        Coefficients,
        Conditional,
        Data,
        Dataset,
        Density,
        Drawn,
        ExactDataset,
        Latent,
        Metric,
        Model,
        OneShot,
        Path,
        Recipe,
        Sampler,
        Trainable,
    )
    from zoo.engine import Engine
    from zoo.report.results import load

__version__ = "0.1.0"

_HOME = {
    "Engine": "zoo.engine",
    "leaderboard": "zoo.boards",
    "load": "zoo.report.results",
    "run": "zoo.api",
} | dict.fromkeys(
    (
        "Coefficients",
        "Conditional",
        "Data",
        "Dataset",
        "Density",
        "Drawn",
        "ExactDataset",
        "Latent",
        "Metric",
        "Model",
        "OneShot",
        "Path",
        "Recipe",
        "Sampler",
        "Trainable",
    ),
    "zoo.contracts",
)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "API",
    "Coefficients",
    "Conditional",
    "Data",
    "Dataset",
    "DatasetSpec",
    "Density",
    "Drawn",
    "Engine",
    "EngineSpec",
    "ExactDataset",
    "Latent",
    "Metric",
    "MetricSpec",
    "Model",
    "ModelSpec",
    "OneShot",
    "Path",
    "Recipe",
    "Sampler",
    "SamplerSpec",
    "Trainable",
    "hookimpl",
    "leaderboard",
    "load",
    "run",
]
