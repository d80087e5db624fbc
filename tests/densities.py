"""What a density says of a draw, held against the Jacobian of drawing it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.fft
import torch
from torch import Tensor

from tests.physics import seeded
from zoo_plugins.models.cnf import CNF
from zoo_plugins.models.nsf import NSF


def check_density_of_draws(model: CNF | NSF, seeds: int, *, rtol: float, atol: float) -> None:
    """See that autograd's Jacobian of `draw` in its random numbers gives the model's density.

    With internal coordinates, which forget the pose, one of the numbers is a share of a turn.

    Args:
        model: A flow of five beads in the plane, in double precision.
        seeds: How many draws are tried.
        rtol: How far log-densities may differ, relatively.
        atol: How far they may differ at least, in nats.
    """
    share = 0 if model.coordinates.oriented else 1
    turn = torch.tensor([0.3], dtype=torch.float64)
    modes = torch.from_numpy(scipy.fft.dct(np.eye(5), axis=0, norm="ortho"))[1:]

    def placed(numbers: Tensor) -> Tensor:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "rand", lambda *_, **__: turn if share == 0 else numbers[:1])
            patch.setattr(torch, "randn", lambda *_, **__: numbers[None, share:])
            return (modes @ model.draw(1)[0]).flatten()

    for seed in range(seeds):
        normal = torch.randn(model.coordinates.size, generator=seeded(seed), dtype=torch.float64)
        numbers = torch.cat([turn[:share], normal])
        jacobian = torch.autograd.functional.jacobian(placed, numbers)
        expected = -(normal.square() + math.log(2 * math.pi)).sum() / 2
        expected = expected - torch.linalg.slogdet(jacobian).logabsdet
        x = (modes.T @ placed(numbers).view(4, 2))[None]
        torch.testing.assert_close(model.log_prob(x)[0], expected, rtol=rtol, atol=atol)
