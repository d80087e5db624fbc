"""What a run will do, decided from specs alone: no plugin code, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from zoo.errors import PluginError, UsageError, ZooError
from zoo.harness.settings import Settings
from zoo.registry import Choice, Registry, fits, usable
from zoo.registry.choice import check_sweep
from zoo.registry.options import parse

# Which log-densities of a model can have a meaning, by their names in `zoo.Drawn`.
_NONE: frozenset[str] = frozenset()
_OF_TEST = frozenset({"test_log_prob"})
_OF_BOTH = frozenset({"test_log_prob", "log_prob"})


@dataclass(frozen=True)
class Entry:
    """One model with one sampler: one line of the leaderboard."""

    model: Choice
    sampler: Choice

    @property
    def densities(self) -> frozenset[str]:
        """Log-densities of the model that have a meaning here, by their names in `zoo.Drawn`."""
        if "log_prob" not in self.model.listing.spec.offers:
            return _NONE
        return _OF_BOTH if self.sampler.listing.spec.exact else _OF_TEST

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
        left_out: Sentences about what `--all` means but leaves out, as it is slow or does not fit.
    """

    dataset: Choice
    entries: tuple[Entry, ...]
    metrics: tuple[Choice, ...]
    settings: Settings
    left_out: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[Choice, ...]:
        """The models, each once, in order."""
        return tuple(self._by_model)

    def metrics_of(self, entry: Entry) -> tuple[Choice, ...]:
        """The metrics that an entry has the densities for."""
        return self._by_densities[entry.densities]

    def densities_of(self, entry: Entry) -> frozenset[str]:
        """The log-densities that metrics of an entry ask for: to have them costs time."""
        return self._asked[entry.densities]

    def entries_of(self, model: Choice) -> tuple[Entry, ...]:
        """The lines of a model, one for each sampler it is drawn with."""
        return self._by_model.get(model, ())

    @cached_property
    def _by_densities(self) -> Mapping[frozenset[str], tuple[Choice, ...]]:
        return {
            known: tuple(one for one in self.metrics if one.listing.spec.model_needs <= known)
            for known in (_NONE, _OF_TEST, _OF_BOTH)
        }

    @cached_property
    def _asked(self) -> Mapping[frozenset[str], frozenset[str]]:
        return {
            known: frozenset().union(*(one.listing.spec.model_needs for one in metrics))
            for known, metrics in self._by_densities.items()
        }

    @cached_property
    def _by_model(self) -> Mapping[Choice, tuple[Entry, ...]]:
        found: dict[Choice, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.model, []).append(entry)
        return {model: tuple(entries) for model, entries in found.items()}


def make_plan(
    registry: Registry,
    models: Sequence[str] | None,
    samplers: Sequence[str] | None,
    dataset: str,
    settings: Settings,
) -> Plan:
    """Cross models with the samplers that fit them, on one dataset.

    Args:
        registry: What is installed.
        models: Names with options, or `None` for all; the slow ones only at the preset `full`.
        samplers: Names with options, or `None` for all that fit.
        dataset: Name with options.
        settings: The budget.

    Raises:
        UsageError: If a name or option is wrong, there is a sweep, or nothing fits anything.
    """
    for text in (*(models or ()), *(samplers or ()), dataset):
        parse(text)  # refuses a sweep
    return make_plans(registry, models, samplers, [dataset], settings)[0]


def make_plans(
    registry: Registry,
    models: Sequence[str] | None,
    samplers: Sequence[str] | None,
    datasets: Sequence[str],
    settings: Settings,
) -> list[Plan]:
    """Plans for several datasets; any name may be a sweep, `name[key=1|2]`.

    Args:
        registry: As `make_plan` takes it.
        models: As `make_plan` takes them.
        samplers: As `make_plan` takes them.
        datasets: Names with options, at least one.
        settings: The budget.

    Returns:
        One plan per dataset.

    Raises:
        UsageError: As `make_plan`.
    """
    if not datasets:
        raise UsageError("there is no dataset to run on: name at least one.")
    found, chosen, ways = (
        _choose(registry, kind, names)
        for kind, names in (("dataset", datasets), ("model", models), ("sampler", samplers))
    )
    plans, slow_too = [], models is not None or settings.slow_too
    for data in found:
        entries, left_out = _cross(chosen, ways, data, slow_too=slow_too)
        if left_out and (models is not None or not entries):
            raise UsageError("; ".join(left_out) + ".")
        metrics = tuple(
            Choice(listing)
            for listing in registry.of("metric")
            if usable(listing.spec, data.listing.spec)
        )
        plans.append(Plan(data, tuple(entries), metrics, settings, tuple(left_out)))
    return plans


def _cross(
    models: Sequence[Choice], samplers: Sequence[Choice], data: Choice, *, slow_too: bool
) -> tuple[list[Entry], list[str]]:
    """The lines there are, and why some models have none."""
    entries: list[Entry] = []
    left_out: list[str] = []
    for model in models:
        fitting = [way for way in samplers if fits(model.listing.spec, way.listing.spec)]
        reasons = _misfits(model, data, fitting)
        if not reasons and model.listing.spec.slow and not slow_too:
            reasons = [f"{model.label} is slow: name it, or give --preset full"]
        left_out += reasons
        entries += [] if reasons else [Entry(model, way) for way in fitting]
    return entries, left_out


def _misfits(model: Choice, data: Choice, fitting: Sequence[Choice]) -> list[str]:
    """Why a model has no line on these data with these samplers."""
    spec, reasons = model.listing.spec, []
    if not usable(spec, data.listing.spec):
        missing = ", ".join(sorted(spec.needs - data.listing.spec.offers))
        reasons.append(f"{model.label} needs {missing}, which {data.label} does not offer")
    if not fitting:
        offers = ", ".join(sorted(spec.offers))
        reasons.append(f"{model.label} offers {offers}, which no chosen sampler takes")
    return reasons


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
    """What names of a kind mean, each once; options that will not do are refused."""
    if names is None:
        return [Choice(listing) for listing in registry.of(kind)]
    sweeps = [registry.find_all(kind, name) for name in names]
    for sweep in sweeps:
        if sweep[0].options:
            check_sweep(sweep)
    found = list(dict.fromkeys(choice for sweep in sweeps for choice in sweep))
    for choice in found:
        if choice.options and kind != "model":
            _try_settings(choice)
    return found
