"""What a metric must keep to: one number, best for the truth, worse the more it is spoilt."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from functools import cache
from itertools import pairwise
from statistics import fmean, stdev
from typing import NamedTuple

import torch

from zoo.conformance.case import Check, Violation, needing
from zoo.conformance.common import check_untouched, settings_are_frozen
from zoo.conformance.preparation import built, true_pair
from zoo.conformance.state import isolated, random_states, seed_all
from zoo.conformance.truth import SHAPE, truth
from zoo.contracts import Data, Drawn, Metric
from zoo.polymer import radius_of_gyration
from zoo.polymer.canaries import CANARIES
from zoo.registry import Choice
from zoo.specs import MetricSpec

N = 1_500
MANY = 6_000
"""More conformations than a subsample would look at."""

FRESH = 8
"""Sets of fresh truth, whose scores say how much chance there is in one."""

MARGIN = 5
"""Standard deviations of that chance by which one score must differ from another."""


def gives_a_finite_number(subject: Choice) -> None:
    """On true conformations its value is a finite float."""
    value = built(subject).compute(*true_pair(subject, 200, seed=3))
    if not isinstance(value, float) or not math.isfinite(value):
        raise Violation(f"it gives {value!r}; expected a finite float. Write float(...) around it.")


def depends_on_nothing_else(subject: Choice) -> None:
    """The same conformations have the same value, whatever the random state, which it leaves."""
    metric, values = built(subject), []
    for seed in (1, 2):
        pair = true_pair(subject, 200, seed=3)
        seed_all(seed)
        before = random_states()
        with needing("gives_a_finite_number"):
            values.append(float(metric.compute(*pair)))
        check_untouched(before, "compute")
    if values[0] != values[1]:
        raise Violation(
            f"the same conformations score {values[0]:g} and {values[1]:g}; expected one value. "
            "Use a torch.Generator of its own, with a fixed seed."
        )


def nan_never_scores(subject: Choice) -> None:
    """With NaN for the last of 6,000 conformations and its densities, it gives NaN or raises."""
    metric, (drawn, data) = built(subject), true_pair(subject, MANY, seed=3)
    try:
        value = metric.compute(_spoilt(drawn), data)
    except Exception:  # noqa: BLE001 - to refuse it is as right
        return
    if not math.isnan(value):
        raise Violation(
            f"one of {MANY:,} conformations is NaN, and it gives {value:.4g}; expected NaN. Drop "
            "nothing: no model may gain by what it gets wrong."
        )


def _spoilt(drawn: Drawn) -> Drawn:
    """The same with NaN in the last place of all that there is."""
    found = copy.deepcopy(drawn)
    for values in (found.conformations, found.log_prob, found.test_log_prob):
        if values is not None:
            values[-1] = math.nan
    return found


def inputs_stay_as_they_are(subject: Choice) -> None:
    """It leaves the conformations and densities it is given as they were."""
    (drawn, data), (again, same) = (true_pair(subject, 200, seed=3) for _ in range(2))
    with needing("gives_a_finite_number"):
        built(subject).compute(drawn, data)
    pairs = {
        "the drawn conformations": (drawn.conformations, again.conformations),
        "the training conformations": (data.train, same.train),
        "the test conformations": (data.test, same.test),
        "log_prob": (drawn.log_prob, again.log_prob),
        "test_log_prob": (drawn.test_log_prob, again.test_log_prob),
    }
    for what, (after, before) in pairs.items():
        if after is not None and before is not None and not torch.equal(after, before):
            raise Violation(f"it changes {what}. Work on a copy.")


def best_on_the_test_set(subject: Choice) -> None:
    """Drawn conformations that are the test set itself are at the best value there is."""
    scores = _judged(subject)
    allowed = MARGIN * scores.noise + 0.05 * scores.worst
    found = scores.badness(scores.identical)
    if found > allowed:
        best = subject.listing.spec.best
        wanted = f"its best value {best:g}" if best is not None else f"truth's {scores.centre:.4g}"
        raise Violation(
            f"the test set itself scores {scores.identical:.4g}; expected {wanted}, up to "
            f"{allowed:.2g}. Change `best` in the spec, or look at what is compared with what."
        )


def stronger_canaries_score_worse(subject: Choice) -> None:
    """What is wrong by degrees never scores better for it, and some of it is seen."""
    scores = _judged(subject)
    for name, values in scores.canaries.items():
        bad = [scores.badness(value) for value in values]
        for weaker, stronger in pairwise(bad):
            if stronger < weaker - MARGIN * scores.noise - 1e-6:
                raise Violation(
                    f"conformations ever more {name} score {_listed(values)}, while truth scores "
                    f"{scores.centre:.4g}; expected the score never to get better. See "
                    "zoo.polymer.canaries for what they are."
                )
    if not scores.worst > max(map(scores.badness, scores.fresh)) + MARGIN * scores.noise:
        raise Violation(
            f"truth scores {_listed(scores.fresh)}, and no spoilt conformations score worse; "
            "expected it to see at least one canary. Say what it is good for, or leave it out."
        )


def direction_is_as_declared(subject: Choice) -> None:
    """Spoilt conformations score higher where lower is better, and the other way round."""
    scores, lower = _judged(subject), subject.listing.spec.lower_is_better
    values = [value for found in scores.canaries.values() for value in found]
    margin = MARGIN * scores.noise + 1e-6
    if lower and min(values) < min(scores.fresh) - margin:
        found, wanted = min(values), "lower is better, and a spoilt set has less"
    elif lower is False and min(values) > min(scores.fresh) - margin:
        found, wanted = min(values), "higher is better, and no spoilt set has less"
    else:
        return
    raise Violation(
        f"the spec says that {wanted}: {found:.4g}, where truth has {scores.centre:.4g}. Change "
        "`lower_is_better`."
    )


class _Scores(NamedTuple):
    """Values of a metric on truth and on what is not."""

    spec: MetricSpec
    identical: float
    fresh: list[float]
    canaries: dict[str, list[float]]

    @property
    def centre(self) -> float:
        """What truth scores on average."""
        return fmean(self.fresh)

    @property
    def noise(self) -> float:
        """Standard deviation between sets of fresh truth."""
        return stdev(self.fresh)

    @property
    def worst(self) -> float:
        """How bad the worst canary is."""
        return max(self.badness(value) for values in self.canaries.values() for value in values)

    def badness(self, value: float) -> float:
        """Distance from the best value, in the unit of the metric; from truth's, if none is known.

        Where only the direction is known, better than truth counts as below 0.
        """
        if self.spec.best is not None:
            return abs(value - self.spec.best)
        match self.spec.lower_is_better:
            case None:
                return abs(value - self.centre)
            case True:
                return value - self.centre
        return self.centre - value


def _judged(subject: Choice) -> _Scores:
    built(subject)
    return _scores(subject)


@cache
def _scores(subject: Choice) -> _Scores:
    """Values on 1,500 conformations against as many; the same whoever asks first."""
    metric: Metric = built(subject)
    pair = true_pair(subject, N, seed=3)

    def score(drawn: Drawn, data: Data) -> float:
        own = replace(drawn, conformations=drawn.conformations.clone())
        theirs = replace(data, train=data.train.clone(), test=data.test.clone())
        return float(metric.compute(own, theirs))

    with isolated(seed=0), needing("gives_a_finite_number"):
        wrong = _wrong_densities if subject.listing.spec.model_needs else _wrong_conformations
        return _Scores(
            subject.listing.spec,
            score(*_identical(*pair)),
            [score(*true_pair(subject, N, seed)) for seed in range(10, 10 + FRESH)],
            {
                name: [score(drawn, pair[1]) for drawn in spoilt]
                for name, spoilt in wrong(*pair).items()
            },
        )


def _identical(drawn: Drawn, data: Data) -> tuple[Drawn, Data]:
    log_prob = None if drawn.log_prob is None else drawn.test_log_prob
    return replace(drawn, conformations=data.test, log_prob=log_prob), data


def _wrong_conformations(_drawn: Drawn, data: Data) -> dict[str, list[Drawn]]:
    pool = truth(SHAPE, 2 * N, seed=5)
    return {
        canary.name: [
            Drawn(canary.spoil(pool.clone(), data.train, N, strength))
            for strength in canary.strengths[::2]
        ]
        for canary in CANARIES
    }


def _wrong_densities(drawn: Drawn, data: Data) -> dict[str, list[Drawn]]:
    """Truth with a density that leans towards large coils: ln q = ln p + s z − s²/2, z from Rg."""
    radii = radius_of_gyration(data.test)

    def leaning(strength: float) -> Drawn:
        found = []
        for x, log_p in (
            (drawn.conformations, drawn.log_prob),
            (data.test, drawn.test_log_prob),
        ):
            z = (radius_of_gyration(x) - radii.mean()) / radii.std()
            found.append(None if log_p is None else log_p + strength * z - strength**2 / 2)
        return Drawn(drawn.conformations, 1.0, *found)

    return {"leaning towards large coils": [leaning(strength) for strength in (0.2, 0.5, 1.0)]}


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


CHECKS: tuple[Check, ...] = (
    settings_are_frozen,
    gives_a_finite_number,
    depends_on_nothing_else,
    nan_never_scores,
    inputs_stay_as_they_are,
    best_on_the_test_set,
    stronger_canaries_score_worse,
    direction_is_as_declared,
)
