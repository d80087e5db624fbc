"""What a dataset must keep to: two sets that share nothing, and a truth that fits them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.common import check_untouched, settings_are_frozen
from zoo.conformance.preparation import built, split
from zoo.conformance.state import random_states, seed_all
from zoo.contracts import ExactDataset
from zoo.errors import UsageError
from zoo.polymer import radius_of_gyration
from zoo.registry import Choice

N = 1_000


def split_is_right(subject: Choice) -> None:
    """It splits into two float32 tensors (n, beads, dim) of finite numbers, for one chain."""
    dataset = built(subject)
    try:
        parts = dataset.split()
    except UsageError as refusal:
        raise NotApplicable(f"there are no data to judge: {refusal}") from None
    shapes = set()
    for name, x in zip(("training", "test"), parts, strict=True):
        if not isinstance(x, Tensor) or x.dtype != torch.float32 or x.ndim != 3 or not x.numel():
            found = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x)
            raise Violation(
                f"the {name} set is {found}; expected a float32 tensor of shape (n, beads, dim)."
            )
        if not torch.isfinite(x).all():
            raise Violation(f"the {name} set holds NaN or infinity. Leave those chains out.")
        shapes.add(tuple(x.shape[1:]))
    if len(shapes) > 1:
        raise Violation(f"the two sets have chains of shapes {shapes}; expected one (beads, dim).")


def split_is_the_same_again(subject: Choice) -> None:
    """The same settings give the same two sets, whatever the random state, which it leaves."""
    found = []
    for seed in (1, 2):
        dataset = built(subject)
        seed_all(seed)
        before = random_states()
        found.append(split(dataset))
        check_untouched(before, "split")
    if not all(torch.equal(a, b) for a, b in zip(*found, strict=True)):
        raise Violation(
            "two calls of split give different sets; expected the same. Draw from a "
            "torch.Generator seeded from the settings."
        )


def split_shares_no_conformation(subject: Choice) -> None:
    """Of some 500 test conformations none is a training one, turned or shifted as may be."""
    train, test = (x.float() for x in split(built(subject)))
    mine = _some_distances(test[:: max(1, len(test) // 500)])
    nearest = torch.full((len(mine),), math.inf)
    for part in torch.split(train, 10_000):
        exact = "donot_use_mm_for_euclid_dist"  # the difference of squares is blind near zero
        gaps = torch.cdist(mine, _some_distances(part), compute_mode=exact)
        nearest = torch.minimum(nearest, gaps.amin(dim=1))
    shared = int((nearest < 1e-4 * mine.norm(dim=1)).sum())
    if shared:
        raise Violation(
            f"{shared} of {len(mine)} test conformations are training conformations; expected "
            "none. Split before anything is repeated or turned."
        )


def _some_distances(x: Tensor, most: int = 200) -> Tensor:
    """Distances of a few hundred pairs of beads, near and far along the chain, at most."""
    i, j = torch.triu_indices(x.shape[1], x.shape[1], offset=1)
    some = slice(None, None, math.ceil(len(i) / most))
    found: Tensor = torch.linalg.vector_norm(x[:, i[some]] - x[:, j[some]], dim=-1)
    return found


def offers_what_it_declares(subject: Choice) -> None:
    """Its spec offers `fresh`, `energy` and `log_prob` just where the dataset has them."""
    dataset, declared = built(subject), subject.listing.spec.offers
    for word in ("fresh", "energy", "log_prob"):
        there = isinstance(dataset, ExactDataset) if word == "fresh" else hasattr(dataset, word)
        if there != (word in declared):
            raise Violation(
                f"its spec offers {', '.join(sorted(declared)) or 'nothing'}, and "
                f"{type(dataset).__name__} has {'a' if there else 'no'} {word}; expected the same. "
                "Change the spec; fresh conformations are those of a zoo.ExactDataset."
            )


def fresh_obeys_the_seed(subject: Choice) -> None:
    """Fresh conformations are finite, as many as asked for, and set by the random state alone."""
    dataset = _exact(subject)
    draws = []
    for seed in (1, 1, 2):
        seed_all(seed)
        draws.append(dataset.fresh(7))
    wanted = (7, *split(dataset)[1].shape[1:])
    if draws[0].shape != wanted or not torch.isfinite(draws[0]).all():
        raise Violation(
            f"asked for 7, fresh gives shape {tuple(draws[0].shape)}; expected {wanted}, finite."
        )
    if not torch.equal(draws[0], draws[1]) or torch.equal(draws[0], draws[2]):
        raise Violation(
            "fresh conformations do not follow the seed; expected the same from the same seed and "
            "others from another. Draw them from torch's global random state."
        )


def fresh_is_like_the_test_set(subject: Choice) -> None:
    """Radii of gyration of fresh and test conformations have one distribution (p > 1e-4).

    Reference:
        Smirnov, Ann. Math. Stat. 19 (1948), 279, doi:10.1214/aoms/1177730256.
    """
    dataset = _exact(subject)
    test = split(dataset)[1][:N]
    with needing("fresh_obeys_the_seed"):
        radii = torch.cat([radius_of_gyration(dataset.fresh(N)), radius_of_gyration(test)])
    order = radii.argsort()
    steps = torch.where(order < N, 1 / N, -1 / len(test)).double()
    gap = float(steps.cumsum(0).abs().max())
    allowed = math.sqrt(-math.log(1e-4 / 2) / 2 * (1 / N + 1 / len(test)))
    if gap > allowed:
        raise Violation(
            f"the distribution functions of Rg of fresh and test conformations are {gap:.3f} apart;"
            f" expected less than {allowed:.3f}. Draw both from one distribution."
        )


def _exact(subject: Choice) -> ExactDataset:
    dataset = built(subject)
    if not isinstance(dataset, ExactDataset):
        raise NotApplicable("its distribution is not known: it is no zoo.ExactDataset")
    return dataset


CHECKS: tuple[Check, ...] = (
    settings_are_frozen,
    split_is_right,
    split_is_the_same_again,
    split_shares_no_conformation,
    offers_what_it_declares,
    fresh_obeys_the_seed,
    fresh_is_like_the_test_set,
)
