"""Conformations in and out of files, and what a stage's child process starts with."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor

from zoo.contracts import Data, Dataset, ExactDataset
from zoo.errors import InvalidError, PluginError, UsageError
from zoo.harness.stages import DATA_FILE, REPLICAS_FILE, Materialise, Tell
from zoo.harness.whole import saving
from zoo.polymer.trajectories import effective_size, resample_blocks
from zoo.registry import Choice

REPLICAS = 8
"""Other test sets that are kept beside the data."""


def materialise(stage: Materialise, folder: Path, _tell: Tell) -> dict[str, Any]:
    """Run a `Materialise` stage."""
    seed_everything("data")
    dataset, label = build_dataset(stage.dataset), stage.dataset.label
    try:
        train, test = dataset.split()
    except UsageError as refusal:
        raise InvalidError(str(refusal)) from refusal
    for part, x in (("train", train), ("test", test)):
        check_conformations(x, f"dataset {label!r} gave {part} conformations", None)
    if train.shape[1:] != test.shape[1:]:
        raise PluginError(
            f"dataset {label!r} gave train conformations of shape {tuple(train.shape[1:])} and "
            f"test conformations of shape {tuple(test.shape[1:])}. Expected the same (beads, dim)."
        )
    save_tensors(folder / DATA_FILE, {"train": train.float(), "test": test.float()})
    effective = float(len(test)) if isinstance(dataset, ExactDataset) else effective_size(test)
    replicas = [_replica(dataset, test, effective, number) for number in range(REPLICAS)]
    save_tensors(folder / REPLICAS_FILE, {"test": torch.stack(replicas).float()})
    return {
        "sha256": hashlib.sha256((folder / DATA_FILE).read_bytes()).hexdigest(),
        "n_train": len(train),
        "n_test": len(test),
        "n_test_effective": effective,
        "shape": list(train.shape[1:]),
    }


def _replica(dataset: Dataset, test: Tensor, effective: float, number: int) -> Tensor:
    """Another test set of the same size: new truth where there is a sampler, else resampled."""
    seed_everything("replica", number)
    if isinstance(dataset, ExactDataset):
        return dataset.fresh(len(test))
    return resample_blocks(test, block_length(len(test), effective))


def block_length(n: int, effective: float) -> int:
    """Length of the pieces in which n conformations are resampled: five times what is worth one.

    Example:
        >>> block_length(1000, 100.0), block_length(1000, 5.0)
        (50, 100)
    """
    return max(1, min(round(5 * n / effective), n // 10))


def build_dataset(choice: Choice) -> Dataset:
    """Build a dataset and see that it is one."""
    dataset = choice.build()
    if not isinstance(dataset, Dataset):
        raise PluginError(
            f"dataset {choice.label!r} is a {type(dataset).__name__}, no zoo.Dataset."
        )
    return dataset


def reference_data(dataset: Dataset, folder: Path) -> Data:
    """What metrics compare with: kept conformations and, where known, the exact functions."""
    tensors = load_tensors(folder / DATA_FILE)
    energy, log_prob = (getattr(dataset, name, None) for name in ("energy", "log_prob"))
    return Data(tensors["train"], tensors["test"], energy, log_prob)


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, with the permissions of any other file.

    Raises:
        StoreError: If they cannot be written.
    """
    raw = save({name: _whole(x) for name, x in tensors.items()})
    with saving(path):
        path.write_bytes(raw)


def _whole(x: Tensor) -> Tensor:
    """A plain copy: safetensors takes no tensor that shares memory, as tied weights do."""
    return x.detach().cpu().clone(memory_format=torch.contiguous_format)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors written by `save_tensors`, to the CPU."""
    return dict(load(path.read_bytes()))


def load_training(path: Path) -> Tensor:
    """The training conformations of a data file; those for testing are not even read."""
    with safe_open(path, framework="pt") as file:
        x: Tensor = file.get_tensor("train").clone()  # memory of its own, not a window on the file
    return x


def check_conformations(x: object, what: str, shape: tuple[int, int, int] | None) -> None:
    """See that `x` is conformations a metric can work with.

    Raises:
        InvalidError: If it is no tensor, has another shape, or is not finite.
    """
    if not isinstance(x, Tensor):
        raise InvalidError(f"{what} as {type(x).__name__}; expected a tensor (n, beads, dim).")
    wrong = x.shape != shape if shape else x.ndim != 3 or 0 in x.shape
    if wrong:
        expected = f"{shape} = (n, beads, dim)" if shape else "(n, beads, dim)"
        raise InvalidError(f"{what} of shape {tuple(x.shape)}; expected {expected}.")
    bad = int((~torch.isfinite(x)).flatten(1).any(dim=1).sum())
    if bad:
        raise InvalidError(
            f"{what} of which {bad:,} of {len(x):,} hold NaN or infinity. Expected finite numbers."
        )


def seed_everything(*words: object) -> None:
    """Seed torch, NumPy and Python from words, so that no two uses share a stream."""
    seed = int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:8], "big") >> 1
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
