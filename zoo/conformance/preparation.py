"""What checks begin with: subjects built, models trained for a few steps, conformations drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from zoo.conformance.case import NotApplicable, Violation, needing
from zoo.conformance.gaussian import NormalModel, NormalPath, Spreading
from zoo.conformance.truth import SHAPE, ChainData, truth
from zoo.contracts import (
    Coefficients,
    Data,
    Dataset,
    Drawn,
    Metric,
    Model,
    OneShot,
    Path,
    Sampler,
    Shape,
    Trainable,
)
from zoo.engine import Engine
from zoo.errors import UsageError
from zoo.generative import CosineSchedule, StraightSchedule
from zoo.registry import Choice

MOST = 10_000
"""Conformations that a model is fitted to at most."""

_CONTRACTS: Mapping[str, type] = {
    "model": Model,
    "sampler": Sampler,
    "metric": Metric,
    "dataset": Dataset,
    "engine": Engine,
}


def build(subject: Choice, shape: Shape = SHAPE) -> Any:  # noqa: ANN401 - any kind of plugin
    """Build a subject as the harness would, whatever comes of it.

    Args:
        subject: What to build.
        shape: `(beads, dim)`, for models.

    Raises:
        Violation: If the factory gives something else than its contract says.
    """
    spec = subject.listing.spec
    extra = {"dataset": ChainData(shape)} if spec.kind == "model" and spec.needs else {}
    found = subject.build(*((shape,) if spec.kind == "model" else ()), **extra)
    contract = _CONTRACTS[spec.kind]
    if not isinstance(found, contract):
        raise Violation(
            f"the factory gave a {type(found).__name__}; expected a zoo.{contract.__name__}. "
            f"Derive it from zoo.{contract.__name__}."
        )
    return found


def built(subject: Choice) -> Any:  # noqa: ANN401 - any kind of plugin
    """Build a subject, or skip what cannot be judged without it."""
    with needing("builds_from_defaults"):
        return build(subject)


def built_for(subject: Choice, shape: Shape) -> Model:
    """Build a model for another shape than the usual one, which it may refuse.

    Raises:
        NotApplicable: If it does, by a `UsageError`.
    """
    try:
        return cast(Model, build(subject, shape))
    except UsageError as refusal:
        raise NotApplicable(f"it refuses {shape} = (beads, dim): {refusal}") from None


def train(model: Model, shape: Shape, steps: int = 3, rate: float = 1e-3) -> list[Tensor]:
    """Fit a model to true chains, then take a few steps of Adam, as far as it has gradients.

    Batches are as large as its recipe says, like the harness's.

    Args:
        model: The model, in whose place it is trained.
        shape: `(beads, dim)` that it was built for.
        steps: How many steps.
        rate: Learning rate.

    Returns:
        For each parameter that wants a gradient, the largest absolute one it ever had, shape ().

    Raises:
        Violation: If there are parameters and no loss that is a finite scalar.
    """
    batch = min(model.recipe.batch_size, MOST)
    x = truth(shape, max(256, batch)).to(model.device)
    model.train()
    with torch.no_grad():
        model.fit(x.clone())
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        reached = []
    elif isinstance(model, Trainable):
        batches = (x[torch.randperm(len(x), device=x.device)[:batch]] for _ in range(steps))
        reached = _descend(model, parameters, batches, rate)
    else:
        raise Violation(
            "it has parameters and no loss to train them by. Give it loss(x), or keep what "
            "fit(x) finds in buffers."
        )
    model.eval()
    finish(model, x)
    return reached


def finish(model: Model, x: Tensor) -> None:
    """Let a model see the data once more, without gradients as in the harness."""
    with torch.no_grad():
        model.finish(x.clone())


def _descend(
    model: Trainable, parameters: list[nn.Parameter], batches: Iterable[Tensor], rate: float
) -> list[Tensor]:
    reached = [torch.zeros(()) for _ in parameters]
    optimizer = torch.optim.Adam(parameters, lr=rate)
    for x in batches:
        optimizer.zero_grad()
        torch.autograd.backward(_scalar(model.loss(x)))
        for place, parameter in enumerate(parameters):
            if parameter.grad is not None:
                most = parameter.grad.abs().max().cpu()
                reached[place] = torch.maximum(reached[place], most)
        optimizer.step()
    return reached


def _scalar(loss: object) -> Tensor:
    """A loss that gradients can be taken of, or a `Violation`."""
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        found = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise Violation(f"its loss has {found}; expected a scalar tensor. Take the mean.")
    if not torch.isfinite(loss):
        raise Violation(f"its loss on true chains is {loss.item()}; expected a finite number.")
    if not loss.requires_grad:
        raise Violation("its loss has no gradient. Compute it without detach() or no_grad().")
    return loss


def trained(subject: Choice) -> Model:
    """A model after a few steps on true chains, or skip what cannot be judged without it."""
    model: Model = built(subject)
    with needing("can_be_trained"):
        train(model, SHAPE)
    return model


def draw(model: Model, n: int, steps: int = 3) -> Tensor:
    """Conformations from a model: its own draws, or the end of a walk along its path.

    Args:
        model: A trained model.
        n: How many.
        steps: Of the walk, which many of them make that of the probability flow.
    """
    with torch.no_grad():
        if isinstance(model, OneShot):
            return model.draw(n)
        if isinstance(model, Path):
            return model.decode(_walk(model, n, steps))
    raise NotApplicable("it is neither a zoo.OneShot nor a zoo.Path; see offers_what_it_declares")


def _walk(model: Path, n: int, steps: int) -> Tensor:
    """Clean states (n, size), by steps along straight lines in x̂ and ê, shorter near the data."""
    times = torch.linspace(1.0, 0.0, steps + 1, device=model.device).square()
    c = model.coefficients(times[0])
    noise = torch.randn(n, model.size, device=model.device)
    x = torch.sqrt(c.a.square() + c.s.square()) * noise

    def moved(data: Tensor, c: Coefficients, later: Coefficients) -> Tensor:
        return later.a * data + later.s * (x - c.a * data) / c.s.clamp(min=1e-3)

    for step, (t, r) in enumerate(pairwise(times), start=1):
        c, later = model.coefficients(t), model.coefficients(r)
        data = model.denoise(x, t)
        if step < steps:  # x̂ is the mean of both ends', which makes the step one of second order
            data = (data + model.denoise(moved(data, c, later), r)) / 2
        x = moved(data, c, later)
    return x


def exact_models(subject: Choice) -> list[NormalModel | NormalPath]:
    """Exact models that a sampler takes: paths that bend, that are straight, and that spread.

    Raises:
        NotApplicable: If it needs what no exact model offers.
    """
    needs = subject.listing.spec.needs
    if needs <= {"draw", "log_prob"}:
        return [NormalModel().eval()]
    if needs <= {"path"}:
        bent, straight = NormalPath(CosineSchedule()), NormalPath(StraightSchedule())
        return [bent.eval(), straight.eval(), NormalPath(Spreading(), mean=(0.0,) * 4).eval()]
    raise NotApplicable(f"no exact model offers {', '.join(sorted(needs))} together")


def sample(sampler: Sampler[Any], model: Model, n: int) -> Tensor:
    """Conformations from a sampler, with gradients off as in the harness."""
    with torch.no_grad():
        return sampler.sample(model, n)


def drawer(subject: Choice) -> Callable[[int], Tensor]:
    """What draws n conformations, for a model or a sampler."""
    if subject.listing.spec.kind == "model":
        model = trained(subject)
        return lambda n: draw(model, n)
    sampler = built(subject)
    return lambda n: sample(sampler, exact_models(subject)[0], n)


def true_pair(subject: Choice, n: int, seed: int) -> tuple[Drawn, Data]:
    """Fresh truth as an entry's draws, and what a metric compares it with: n of everything.

    Energy and densities, those of the truth, are there if the metric's spec needs them; one that
    needs the density of draws has that of the test conformations as well.

    Args:
        subject: A metric.
        n: How many conformations are drawn, and how many of either set there are.
        seed: Which ones are drawn; below 3 they would be those they are compared with.
    """
    spec, chain, x = subject.listing.spec, ChainData(SHAPE), truth(SHAPE, n, seed)
    data = Data(
        truth(SHAPE, n, seed=1),
        truth(SHAPE, n, seed=2),
        chain.energy if "energy" in spec.needs else None,
        chain.log_prob if "log_prob" in spec.needs else None,
    )
    if not spec.model_needs:
        return Drawn(x), data
    log_prob = chain.log_prob(x) if "log_prob" in spec.model_needs else None
    return Drawn(x, 1.0, log_prob, chain.log_prob(data.test)), data


def split(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Training and test conformations, or skip what cannot be judged without them."""
    with needing("split_is_right"):
        return dataset.split()
