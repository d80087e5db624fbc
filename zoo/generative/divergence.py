"""How a vector field thins or crowds what it carries: its divergence, exact or estimated."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor], Tensor]
"""A vector field: states (n, size) to vectors (n, size), row by row."""


def divergence(field: Field, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Value of a vector field, and its divergence as seen along some directions.

    With J the field's Jacobian at x, Σₖ vₖᵀ J vₖ is its trace if Σₖ vₖ vₖᵀ is the identity, as
    for `unit_vectors`; for `random_signs` it is so on average, and the sum is unbiased.

    Args:
        field: The field; a row of its value depends on the same row of its argument alone.
        x: States, shape (n, size).
        directions: vₖ, shape (k, n, size), or (k, 1, size) where all rows share them.

    Returns:
        The field's value, shape (n, size), and its divergence, shape (n,).

    Reference:
        Hutchinson, Commun. Stat. Simul. Comput. 18 (1989), 1059; for densities of flows
        Grathwohl et al. (2019), eq. 6, arXiv:1810.01367.

    Example:
        >>> def spiral(x):
        ...     return torch.stack([2 * x[:, 0] - x[:, 1], x[:, 0] * x[:, 1]], dim=1)
        >>> x = torch.tensor([[3.0, 1.0]])
        >>> with torch.no_grad():
        ...     divergence(spiral, x, unit_vectors(x))
        (tensor([[5., 3.]]), tensor([5.]))
    """
    value, slopes = pull_back(field, x, directions)
    return value, (slopes * directions).sum(dim=(0, 2))


def pull_back(field: Field, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Value of a vector field, and the rows vₖᵀ J of its Jacobian along some directions.

    Each direction costs about two more passes through the field. Where gradients are on, the
    result can be differentiated in its turn; where they are off, it holds on to nothing.

    Args:
        field: The field, as in `divergence`.
        x: States, shape (n, size).
        directions: vₖ, as in `divergence`.

    Returns:
        The field's value, shape (n, size), and the rows, shape (k, n, size).

    Example:
        >>> x = torch.tensor([[3.0, 1.0]])
        >>> with torch.no_grad():
        ...     pull_back(torch.square, x, torch.ones(1, 1, 2))
        (tensor([[9., 1.]]), tensor([[[6., 2.]]]))
    """
    again = torch.is_grad_enabled()
    v = directions.expand(-1, *x.shape)
    with torch.enable_grad():
        x = x if x.requires_grad and again else x.detach().requires_grad_()
        value = field(x)
        (rows,) = torch.autograd.grad(value, x, v, create_graph=again, is_grads_batched=True)
    return value if again else value.detach(), rows


def unit_vectors(x: Tensor) -> Tensor:
    """Directions that give the exact divergence at states (n, size): shape (size, 1, size)."""
    return torch.eye(x.shape[1]).to(x)[:, None]


def random_signs(x: Tensor, k: int = 1) -> Tensor:
    """Directions that give the divergence on average, new ones from torch's random state.

    Each state has its own: those that all states share have an error of the same sign
    everywhere, which no average over states makes smaller.

    Args:
        x: States, shape (n, size).
        k: How many for each state; the variance falls as 1/k.

    Returns:
        Signs over √k, shape (k, n, size): of all independent numbers these have the least
        variance.

    Example:
        >>> random_signs(torch.zeros(2, 3), k=4).abs().unique()
        tensor([0.5000])
    """
    signs = torch.randint(2, (k, *x.shape), device=x.device)
    return (2 * signs - 1).to(x) / math.sqrt(k)
