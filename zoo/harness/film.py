"""The states a walk from noise to data goes through, kept without the sampler's knowledge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from zoo.contracts import Model, Path
from zoo.errors import PluginError

_ASKED = ("denoise", "velocity")


def watch(model: Model, frames: int) -> Film:
    """Keep `frames` + 1 states of every walk along a model's path from now on.

    Raises:
        PluginError: If the model has no path.
    """
    if not isinstance(model, Path):
        raise PluginError(f"a {type(model).__name__} draws in one pass: there is no walk to keep.")
    return Film(model, frames)


class Film:
    """Watches a path model from now on, and keeps the states it is asked about.

    A sampler walks by asking the model for `denoise` or `velocity` at a state and a time, and
    ends with `decode`. So any sampler's walk is seen from here, stages of a solver included.

    Args:
        model: The model.
        frames: Equal steps of time from 1 to 0; of every walk the states nearest to their ends
            are kept, frames + 1 of them with the last one, the data.
    """

    def __init__(self, model: Path, frames: int) -> None:
        self._wanted = torch.linspace(1.0, 0.0, frames + 1).tolist()
        self._asked: list[tuple[float, Tensor]] = []
        self._inside = False
        self._walks: list[Tensor] = []
        self._times: list[Tensor] = []
        for name in _ASKED:
            object.__setattr__(model, name, self._watch(getattr(model, name)))
        object.__setattr__(model, "decode", self._develop(model.decode))

    @property
    def conformations(self) -> Tensor:
        """States as conformations, shape (n, frames + 1, beads, dim), in σ."""
        return torch.cat(self._walks)

    @property
    def times(self) -> Tensor:
        """The time of each state, shape (n, frames + 1); walks of one batch share theirs."""
        return torch.cat(self._times)

    def _watch(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def watched(x_t: Tensor, t: Tensor) -> Tensor:
            if self._inside:
                return function(x_t, t)
            self._asked.append((float(t), x_t.detach().cpu()))
            self._inside = True
            try:
                return function(x_t, t)
            finally:
                self._inside = False

        return watched

    def _develop(self, decode: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def developed(x: Tensor) -> Tensor:
            if self._inside:  # a network may look at the chain that a state spells
                return decode(x)
            self._asked.append((0.0, x.detach().cpu()))
            states = [self._nearest(time) for time in self._wanted]
            self._asked.clear()
            # Decoding may turn each chain at random: all frames of a walk the same way.
            turns = _random_state(x.device)
            frames = []
            for _, state in states:
                _set_random_state(turns, x.device)
                frames.append(decode(state.to(x.device)).cpu())
            _set_random_state(turns, x.device)
            self._walks.append(torch.stack(frames, dim=1))
            self._times.append(torch.tensor([[time for time, _ in states]]).expand(len(x), -1))
            return decode(x)

        return developed

    def _nearest(self, time: float) -> tuple[float, Tensor]:
        """Of the states asked about, the last one nearest to a time."""
        return min(reversed(self._asked), key=lambda asked: abs(asked[0] - time))


def _random_state(device: torch.device) -> Any:  # noqa: ANN401 - whatever torch keeps
    on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), on_gpu


def _set_random_state(state: Any, device: torch.device) -> None:  # noqa: ANN401 - see above
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
