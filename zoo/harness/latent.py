"""The latent stage: a map of a model's latent space, and walks in it, for people to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import ExactDataset, Latent
from zoo.errors import PluginError
from zoo.harness.data import build_dataset, load_tensors, save_tensors, seed_everything
from zoo.harness.stages import DATA_FILE, LATENT_FILE, WEIGHTS_FILE, Explore, Tell
from zoo.harness.training import restore_model
from zoo.polymer import radius_of_gyration

REACH = 3.0
"""How far the decoded grid goes on either side of the origin."""

RATE = 0.05
"""Learning rate of Adam on a code that seeks a smaller radius of gyration."""


def latent_stage(stage: Explore, folder: Path, _tell: Tell) -> dict[str, Any]:
    """Run an `Explore` stage.

    Leaves codes of the training conformations, a decoded grid over the first two latent
    numbers, the straight way between the codes of the most compact and the most stretched
    training conformation, and what gradient descent of Rg on a code gives; each with Rg in σ
    and, where the dataset knows it, energy in kT.
    """
    seed_everything("latent", stage.train.seed)
    model = restore_model(stage.train, stage.trained.folder / WEIGHTS_FILE)
    if not isinstance(model, Latent):
        raise PluginError(
            f"model {stage.train.model.label!r} has no latent space to look at: it has no "
            "encode(x) and decode_mean(codes)."
        )
    x = load_tensors(stage.train.data.folder / DATA_FILE)["train"]
    with torch.no_grad():
        codes = model.encode(x)
        ends = codes[[int(radius_of_gyration(x).argmin()), int(radius_of_gyration(x).argmax())]]
        ways = {
            "grid": grid(stage.grid, codes.shape[1]),
            "between": ends[0] + torch.linspace(0, 1, stage.grid)[:, None] * (ends[1] - ends[0]),
        }
    middle = int(radius_of_gyration(x).argsort()[len(x) // 2])
    ways["descent"] = descend(model, codes[middle], stage.descent)
    tensors = {"train_codes": codes} | _described("train", x, stage)
    for name, way in ways.items():
        with torch.no_grad():
            seen = model.decode_mean(way)
        tensors |= {f"{name}_codes": way, f"{name}_conformations": seen}
        tensors |= _described(name, seen, stage)
    save_tensors(folder / LATENT_FILE, tensors)
    return {"latent": codes.shape[1], "explained": explained(codes, tensors["train_rg"])}


def grid(side: int, size: int) -> Tensor:
    """Codes on a square of the first two latent numbers, zero in the others.

    Args:
        side: Codes along each side.
        size: Latent numbers.

    Returns:
        Shape (side², size), or (side, size) with a single latent number.

    Example:
        >>> grid(2, 3).tolist()
        [[-3.0, -3.0, 0.0], [-3.0, 3.0, 0.0], [3.0, -3.0, 0.0], [3.0, 3.0, 0.0]]
    """
    axis = torch.linspace(-REACH, REACH, side)
    plane = torch.cartesian_prod(*[axis] * min(size, 2)).view(-1, min(size, 2))
    return torch.nn.functional.pad(plane, (0, size - plane.shape[1]))


def descend(model: Latent, start: Tensor, steps: int) -> Tensor:
    """Codes on the way down in Rg, as far as gradients of the decoder lead.

    Args:
        model: The model.
        start: A code, shape (size,).
        steps: Steps of Adam.

    Returns:
        Codes, shape (steps + 1, size), the start first.

    Reference:
        Gómez-Bombarelli et al. (2018), ACS Cent. Sci. 4, 268, arXiv:1610.02415.
    """
    code = start[None].clone().requires_grad_()
    optimizer = torch.optim.Adam([code], lr=RATE)
    way = [code.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(radius_of_gyration(model.decode_mean(code)).sum())
        optimizer.step()
        way.append(code.detach().clone())
    return torch.cat(way)


def explained(codes: Tensor, values: Tensor) -> float:
    """Share of the variance of values that a quadratic function of the codes explains.

    Args:
        codes: Shape (n, size).
        values: Shape (n,).

    Example:
        >>> codes = torch.linspace(-1, 1, 9)[:, None]
        >>> round(explained(codes, 2 + codes[:, 0] ** 2), 3)
        1.0
    """
    size = codes.shape[1]
    first, second = torch.triu_indices(size, size)
    terms = torch.cat([torch.ones(len(codes), 1), codes, codes[:, first] * codes[:, second]], 1)
    terms, values = terms.double(), values.double()
    fit = terms @ torch.linalg.lstsq(terms, values[:, None]).solution
    return float(1 - (values - fit[:, 0]).var() / values.var())


def _described(name: str, x: Tensor, stage: Explore) -> dict[str, Tensor]:
    """Rg of conformations, and their energy where it is known."""
    found = {f"{name}_rg": radius_of_gyration(x)}
    dataset = build_dataset(stage.train.dataset)
    if isinstance(dataset, ExactDataset):
        found[f"{name}_energy"] = dataset.energy(x)
    return found
