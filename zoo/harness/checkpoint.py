"""The state of a training between two epochs, in a file that it can go on from.

With it an interrupted training ends with the very weights of one that was not: it holds
weights, buffers, averages, the optimizer, the schedule and all random states. What else a
model keeps in plain attributes is not in it, and does not survive saving either (`zoo.Model`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from zoo.harness.store import CHECKPOINT
from zoo.harness.whole import saving, write_whole


@dataclass
class Descent:
    """Everything that changes while a model is trained by gradients.

    Args:
        model: The model.
        optimizer: What moves its parameters.
        schedule: What moves the optimizer's rate.
        average: Moving averages of the parameters; empty without.
        losses: Mean loss of each epoch so far.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    average: list[Tensor]
    losses: list[float] = field(default_factory=list)


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: Where they lie.
        every: Seconds between two of them, at least.
        device: Where the training is, `cpu` or `cuda`.
    """

    def __init__(self, folder: Path, every: float, device: str) -> None:
        self.spent = 0.0
        """Seconds of training before this attempt."""
        self._folder, self._every, self._device = folder, every, device
        self._start = self._last = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, in this attempt and those before."""
        return self.spent + time.perf_counter() - self._start

    def restore(self, descent: Descent) -> None:
        """Go on from the last checkpoint, if there is one; what is damaged counts for nothing."""
        found = [one for path in self._paths() if (one := _read(path))]
        if found:
            tensors, facts = max(found, key=lambda one: len(one[1]["losses"]))
            _restore(descent, tensors, facts, self._device)
            self.spent = facts["seconds"]

    def offer(self, descent: Descent) -> None:
        """Make a checkpoint, if the last one is long ago.

        Raises:
            StoreError: If it cannot be saved.
        """
        if time.perf_counter() - self._last < self._every:
            return
        earlier = self._paths()
        raw = _as_bytes(descent, self.seconds, self._device)
        path = self._folder / f"{CHECKPOINT}{hashlib.sha256(raw).hexdigest()}"
        with saving(path):
            write_whole(path, raw)
        for other in earlier:
            other.unlink()
        self._last = time.perf_counter()

    def clear(self) -> None:
        """Remove them all: the training has come to its end."""
        for path in self._paths():
            path.unlink()

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"{CHECKPOINT}*"))


def _as_bytes(descent: Descent, seconds: float, device: str) -> bytes:
    """A state as safetensors; what is no tensor is JSON in its header."""
    optimizer = descent.optimizer.state_dict()
    tensors = {f"model.{name}": x for name, x in _tensors_of(descent.model).items()}
    tensors |= {f"average.{number}": x for number, x in enumerate(descent.average)}
    for number, state in optimizer["state"].items():
        tensors |= {f"optimizer.{number}.{name}": x for name, x in state.items()}
    kind, words, *numpy_rest = np.random.get_state(legacy=True)
    tensors["random.torch"] = torch.get_rng_state()
    tensors["random.numpy"] = torch.from_numpy(np.asarray(words).astype(np.int64))
    if device.startswith("cuda"):
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    facts = {
        "losses": descent.losses,
        "seconds": seconds,
        "groups": optimizer["param_groups"],
        "schedule": descent.schedule.state_dict(),
        "numpy": [kind, *numpy_rest],
        "python": random.getstate(),
    }
    whole = {name: x.detach().cpu().contiguous().clone() for name, x in tensors.items()}
    return bytes(save(whole, {"facts": json.dumps(facts)}))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and facts of a checkpoint that is what its name says."""
    raw = path.read_bytes()
    if path.name != f"{CHECKPOINT}{hashlib.sha256(raw).hexdigest()}":
        logging.getLogger("zoo").warning("%s is damaged, and not used", path)
        return None
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    return load(raw), json.loads(header["__metadata__"]["facts"])


def _restore(
    descent: Descent, tensors: dict[str, Tensor], facts: dict[str, Any], device: str
) -> None:
    with torch.no_grad():
        for name, x in _tensors_of(descent.model).items():
            x.copy_(tensors[f"model.{name}"])
        for place, x in enumerate(descent.average):
            x.copy_(tensors[f"average.{place}"])
    state: dict[int, dict[str, Tensor]] = {}
    for key, x in tensors.items():
        if key.startswith("optimizer."):
            _, number, what = key.split(".", 2)
            state.setdefault(int(number), {})[what] = x
    descent.optimizer.load_state_dict({"state": state, "param_groups": facts["groups"]})
    descent.schedule.load_state_dict(facts["schedule"])
    descent.losses[:] = facts["losses"]
    kind, *numpy_rest = facts["numpy"]
    np.random.set_state((kind, tensors["random.numpy"].numpy().astype(np.uint32), *numpy_rest))
    version, words, gauss = facts["python"]
    random.setstate((version, tuple(words), gauss))
    torch.set_rng_state(tensors["random.torch"])
    if device.startswith("cuda"):
        torch.cuda.set_rng_state(tensors["random.cuda"])


def _tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and all buffers, also those that are not saved with the weights."""
    return dict(model.named_parameters()) | dict(model.named_buffers())
