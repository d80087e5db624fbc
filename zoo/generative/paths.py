"""Two ways to be a path model: say what the clean state is, or how the noisy one moves.

With x_t = a x + s e and e a standard normal, the posterior means x̂ = E[x | x_t] and
ê = E[e | x_t] obey x_t = a x̂ + s ê, and the probability-flow ODE has the velocity
v = a' x̂ + s' ê. So any one of x̂, ê and v gives the other two, and so does DDPM's μ̃, the mean of
an earlier state.
"""

from __future__ import annotations

from torch import Tensor

from zoo.contracts import Coefficients, Path


def data_from_noise(x_t: Tensor, noise: Tensor, c: Coefficients) -> Tensor:
    """Posterior mean x̂ of the clean state from that of the noise.

    Args:
        x_t: Noisy states, shape (n, size).
        noise: ê, shape (n, size).
        c: Coefficients at t, with a > 0.

    Returns:
        x̂ = (x_t − s ê) / a, shape (n, size).

    Reference:
        Ho et al. (2020), eq. 15, arXiv:2006.11239.
    """
    return (x_t - c.s * noise) / c.a


def noise_from_data(x_t: Tensor, x: Tensor, c: Coefficients) -> Tensor:
    """Posterior mean ê of the noise from that of the clean state; needs s > 0.

    Example:
        >>> import torch
        >>> c = Coefficients(*torch.tensor([0.6, 0.8, -1.0, 1.0]))
        >>> x, noise = torch.tensor([[2.0]]), torch.tensor([[-1.0]])
        >>> noise_from_data(c.a * x + c.s * noise, x, c).round(decimals=4)
        tensor([[-1.]])
    """
    return (x_t - c.a * x) / c.s


def velocity_from_data(x_t: Tensor, x: Tensor, c: Coefficients) -> Tensor:
    """Velocity of the probability-flow ODE from the posterior mean; needs s > 0.

    Reference:
        Song et al. (2021), eq. 13, arXiv:2011.13456; in these coefficients, Karras et al.
        (2022), eq. 4, arXiv:2206.00364.
    """
    return c.da * x + c.ds * noise_from_data(x_t, x, c)


def data_from_velocity(x_t: Tensor, velocity: Tensor, c: Coefficients) -> Tensor:
    """Posterior mean of the clean state from the velocity; needs a s' − a' s > 0.

    Solves x_t = a x̂ + s ê and v = a' x̂ + s' ê for x̂.
    """
    return (c.ds * x_t - c.s * velocity) / (c.a * c.ds - c.da * c.s)


def mean_from_data(x_t: Tensor, x: Tensor, c: Coefficients, earlier: Coefficients) -> Tensor:
    """Mean μ̃ of the state at an earlier time, given the noisy and the clean one; needs s > 0.

    Exact for a given x; with the posterior mean x̂ in its place, E[x_r | x_t].

    Args:
        x_t: Noisy states at time t, shape (n, size).
        x: Clean states, or their posterior means, shape (n, size).
        c: Coefficients at t.
        earlier: Coefficients at a time r < t.

    Returns:
        μ̃, shape (n, size); x itself for r = 0.

    Reference:
        Ho et al. (2020), eq. 7, arXiv:2006.11239; in these coefficients, Kingma et al. (2021),
        appendix A, arXiv:2107.00630.

    Example:
        >>> import torch
        >>> now, data = (Coefficients(*torch.tensor(x)) for x in ([0.6, 0.8, -1, 1], [1, 0, 0, 1]))
        >>> mean_from_data(torch.tensor([[0.4]]), torch.tensor([[2.0]]), now, data)
        tensor([[2.]])
    """
    keep, pull = _shares(c, earlier)
    return keep * x_t + pull * x


def data_from_mean(x_t: Tensor, mean: Tensor, c: Coefficients, earlier: Coefficients) -> Tensor:
    """Posterior mean of the clean state from μ̃, the mean of an earlier one; needs r < t."""
    keep, pull = _shares(c, earlier)
    return (mean - keep * x_t) / pull


def _shares(c: Coefficients, earlier: Coefficients) -> tuple[Tensor, Tensor]:
    """How much of x_t and of x there is in μ̃, by Bayes' rule for x_t = (a/a_r) x_r + noise."""
    ratio = c.a / earlier.a
    added = c.s.square() - (ratio * earlier.s).square()
    return ratio * (earlier.s / c.s).square(), earlier.a * added / c.s.square()


class Denoiser(Path):
    """A path model that gives `denoise`; its velocity follows."""

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Velocity of the probability-flow ODE from the posterior mean, for t > 0."""
        return velocity_from_data(x_t, self.denoise(x_t, t), self.coefficients(t))


class VelocityField(Path):
    """A path model that gives `velocity`; its posterior mean follows."""

    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Posterior mean of the clean state from the velocity."""
        return data_from_velocity(x_t, self.velocity(x_t, t), self.coefficients(t))
