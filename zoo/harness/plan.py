"""What a run will do, decided from specs alone: no plugin code, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.errors import PluginError, UsageError, ZooError
from zoo.harness.settings import Settings
from zoo.registry import Choice, Registry, fits, usable


@dataclass(frozen=True)
class Entry:
    """One model with one sampler: one line of the leaderboard."""

    model: Choice
    sampler: Choice

    @property
    def label(self) -> str:
        """What progress and errors call it."""
        return f"{self.model.label} · {self.sampler.label}"


@dataclass(frozen=True)
class Plan:
    """Everything a run was asked for.

    Args:
        dataset: What to learn.
        entries: The lines of the board.
        metrics: The columns.
        settings: The budget.
        left_out: Sentences about what was named by `--all` but does not fit.
    """

    dataset: Choice
    entries: tuple[Entry, ...]
    metrics: tuple[Choice, ...]
    settings: Settings
    left_out: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[Choice, ...]:
        """The models, each once, in order."""
        return tuple(dict.fromkeys(entry.model for entry in self.entries))

    def metrics_of(self, model: Choice) -> tuple[Choice, ...]:
        """The metrics that a model's offer is enough for."""
        offers = model.listing.spec.offers
        return tuple(one for one in self.metrics if one.listing.spec.model_needs <= offers)

    def samplers_of(self, model: Choice) -> tuple[Choice, ...]:
        """The samplers a model is drawn with."""
        return tuple(entry.sampler for entry in self.entries if entry.model == model)


def make_plan(
    registry: Registry,
    models: Sequence[str] | None,
    samplers: Sequence[str] | None,
    dataset: str,
    settings: Settings,
) -> Plan:
    """Cross models with the samplers that fit them.

    Args:
        registry: What is installed.
        models: Names with options, or `None` for all.
        samplers: Names with options, or `None` for all that fit.
        dataset: Name with options.
        settings: The budget.

    Raises:
        UsageError: If a name or option is wrong, or nothing fits anything.
    """
    data = registry.find("dataset", dataset)
    data_spec = data.listing.spec
    chosen = _choose(registry, "model", models)
    ways = _choose(registry, "sampler", samplers)
    for choice in (data, *chosen, *ways):
        if choice.options:
            choice.check()
            if choice.listing.spec.kind != "model":
                _try_settings(choice)
    left_out = []
    entries = []
    for model in chosen:
        spec = model.listing.spec
        if not usable(spec, data_spec):
            missing = ", ".join(sorted(spec.needs - data_spec.offers))
            left_out.append(f"{model.label} needs {missing}, which {data.label} does not offer")
        fitting = [way for way in ways if fits(spec, way.listing.spec)]
        if not fitting:
            offers = ", ".join(sorted(spec.offers))
            left_out.append(f"{model.label} offers {offers}, which no chosen sampler takes")
        if usable(spec, data_spec):
            entries += [Entry(model, way) for way in fitting]
    if left_out and (models is not None or not entries):
        raise UsageError("; ".join(left_out) + ".")
    metrics = [
        Choice(listing, ()) for listing in registry.of("metric") if usable(listing.spec, data_spec)
    ]
    return Plan(data, tuple(entries), tuple(metrics), settings, tuple(left_out))


def _try_settings(choice: Choice) -> None:
    """Build a sampler or a dataset, so that a value that will not do is refused now."""
    kind = choice.listing.spec.kind
    try:
        choice.build()
    except ZooError:
        raise
    except (TypeError, ValueError) as error:
        raise UsageError(f"{kind} {choice.label!r} refuses its options: {error}.") from error
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{kind} {choice.label!r} cannot be built: {type(error).__name__}: {error}."
        ) from error


def _choose(registry: Registry, kind: str, names: Sequence[str] | None) -> list[Choice]:
    if names is None:
        return [Choice(listing, ()) for listing in registry.of(kind)]
    return list(dict.fromkeys(registry.find(kind, name) for name in names))
