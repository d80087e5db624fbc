"""One row per job: every number, and what made it, in one flat JSON record.

A row is complete in itself. The board is a pure function of rows and knows nothing of how
they came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zoo.harness.execution import Outcome
from zoo.harness.identity import code_of, identify
from zoo.harness.machine import Machine
from zoo.harness.plan import Plan
from zoo.harness.rowfile import SCHEMA
from zoo.harness.stages import Train
from zoo.harness.store import now
from zoo.harness.whole import digest
from zoo.registry import Choice
from zoo.registry.origin import is_modified
from zoo.specs import HEADLINE
from zoo.wording import printable

STAGES = ("train", "density", "sample", "score")
"""What a job goes through; each leaves an outcome, the second only where there is a density."""

Row = dict[str, Any]


@dataclass
class Job:
    """One entry at one seed, and how far it came.

    Args:
        train: The training it builds on.
        sampler: How it is drawn.
        compiled: Whether its network calls are compiled for that.
        trained: How training ended.
        evaluated: How the evaluation of its density ended, if it has one.
        drawn: How drawing ended, if it came to that.
        scored: How scoring ended, if it came to that.
    """

    train: Train
    sampler: Choice
    compiled: bool
    trained: Outcome
    evaluated: Outcome | None = None
    drawn: Outcome | None = None
    scored: Outcome | None = None

    @property
    def outcomes(self) -> tuple[Outcome | None, ...]:
        """How each of `STAGES` ended, if it came to that."""
        return self.trained, self.evaluated, self.drawn, self.scored

    @property
    def key(self) -> str:
        """Digest of all that was asked for, whether or not it came to be."""
        return self._key(self.scored.result.key if self.scored and self.scored.result else "")

    @property
    def unscored_key(self) -> str:
        """The key it has as long as it has no scores."""
        return self._key("")

    def _key(self, scored: str) -> str:
        asked = [self.train.key, identify(self.sampler), *(["compiled"] * self.compiled)]
        return digest([*asked, scored])[:20]

    @property
    def verdict(self) -> tuple[str, str]:
        """Status and reason: those of the first stage that did not end well."""
        for outcome in self.outcomes:
            if outcome and outcome.status != "ok":
                return outcome.status, outcome.reason
        facts = self.scored.result.facts if self.scored and self.scored.result else {}
        if HEADLINE not in facts.get("values", {}):
            return "invalid", f"{HEADLINE}: {facts.get('faults', {}).get(HEADLINE, 'no value')}"
        return "ok", ""


def make_row(
    job: Job,
    plan: Plan,
    floors: Mapping[str, Mapping[str, float]],
    times: Mapping[str, Outcome],
    machine: Machine,
) -> Row:
    """Put together the row of a job.

    Args:
        job: The job, at its end.
        plan: What it was part of.
        floors: Mean and 95% band of each metric between true sets.
        times: Outcome of the timing stage by device.
        machine: Where it ran.
    """
    model = job.train.model
    status, reason = job.verdict
    trained, _, drawn, scored = map(_facts, job.outcomes)
    return {
        "schema": SCHEMA,
        "key": job.key,
        "model": model.label,
        "sampler": job.sampler.label,
        "dataset": plan.dataset.label,
        "seed": job.train.seed,
        "reference": model.listing.spec.reference,
        "status": status,
        "reason": _one_line(reason),
        "flags": _flags(job, plan),
        "values": scored.get("values", {}),
        "replicates": _short(scored.get("replicates", {})),
        "without": _short(scored.get("without", {})),
        "metrics": {choice.label: _meaning(choice) for choice in plan.metrics},
        "faults": {name: _one_line(why) for name, why in scored.get("faults", {}).items()},
        "floors": dict(floors),
        "nfe": drawn.get("network_calls"),
        "parameters": trained.get("parameters"),
        "epochs": trained.get("epochs"),
        "train_seconds": trained.get("train_seconds"),
        "sample_seconds": drawn.get("sample_seconds"),
        "times": {device: _times(outcome) for device, outcome in times.items()},
        "settings": asdict(plan.settings),
        "made_by": _made_by(job, plan, machine),
        "measured": _measured(job, times),
    }


def with_times(row: Row, times: Mapping[str, Outcome]) -> Row:
    """A row with the outcome of the timing stage by device, whose figures may be younger."""
    made = [outcome.result.made for outcome in times.values() if outcome.result]
    return row | {
        "times": {device: _times(outcome) for device, outcome in times.items()},
        "measured": max([row["measured"], *made]),
    }


def _flags(job: Job, plan: Plan) -> list[str]:
    """What strikes about how a row was made."""
    used = (job.train.model, job.sampler, plan.dataset, *plan.metrics)
    found = {
        "nondeterministic": _facts(job.drawn).get("repeatable") is False,
        "code-modified": any(is_modified(one.listing.plugin.distribution) for one in used),
    }
    return [word for word, holds in found.items() if holds]


def _meaning(metric: Choice) -> dict[str, Any]:
    """What a metric's number means, for readers who have not installed it."""
    spec = metric.listing.spec
    return {"unit": spec.unit, "best": spec.best, "lower_is_better": spec.lower_is_better}


def _short(scores: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Seven digits are enough to see how much a score varies by chance."""
    return {name: [float(f"{x:.7g}") for x in values] for name, values in scores.items()}


def _made_by(job: Job, plan: Plan, machine: Machine) -> dict[str, Any]:
    return {
        "model": identify(job.train.model),
        "sampler": identify(job.sampler),
        "dataset": identify(plan.dataset),
        "code": digest([code_of(plan.metrics), identify(plan.dataset)])[:12],
        "keys": {
            stage: outcome.result.key
            for stage, outcome in zip(STAGES, job.outcomes, strict=True)
            if outcome and outcome.result
        },
        "trained_on": _facts(job.trained).get("machine", ""),
        "hosts": {
            stage: _facts(outcome).get("host", "")
            for stage, outcome in zip(STAGES, job.outcomes, strict=True)
            if outcome and outcome.result
        },
        "data_sha256": job.train.data.facts["sha256"],
        "n_test": job.train.data.facts["n_test"],
        "n_test_effective": job.train.data.facts["n_test_effective"],
        "device": job.train.device,
        "train_threads": 1,
        "timing_threads": machine.cores,
        "machine": asdict(machine),
    }


def _facts(outcome: Outcome | None) -> dict[str, Any]:
    return outcome.result.facts if outcome and outcome.result else {}


def _times(outcome: Outcome) -> dict[str, Any]:
    if outcome.result is None:
        return {"reason": _one_line(outcome.reason)}
    return outcome.result.facts | {"measured": outcome.result.made}


def _measured(job: Job, times: Mapping[str, Outcome]) -> str:
    """When the youngest number of a row was made: a kept one is not shown under today's date."""
    results = [job.scored, *times.values()]
    made = [outcome.result.made for outcome in results if outcome and outcome.result]
    return max(made, default=now())


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
