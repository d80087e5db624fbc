"""Laws of the score-based model: its score, its three SDEs, and its density."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchdiffeq import odeint

from tests.physics import mean_and_error, seeded
from zoo.errors import UsageError
from zoo.generative import VPSchedule
from zoo.generative.paths import noise_from_data
from zoo.polymer.chain import Chain
from zoo_plugins.models.ddpm import DDPM
from zoo_plugins.models.score_sde import ScoreSDE, even_times

SDES = ["vp", "ve", "subvp"]
TIMES = [0.02, 0.3, 0.9]


class Bent(nn.Module):
    """A network that does not look at the time, times a number."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, z: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Something not linear."""
        return self.strength * (z.sin() + 0.3 * z.roll(1, dims=1))


def states(n: int = 5, size: int = 21) -> Tensor:
    """Normal states in double precision."""
    return torch.randn(n, size, generator=seeded(0), dtype=torch.float64)


@pytest.mark.parametrize("time", TIMES)
def test_score_is_minus_the_noise_of_ddpm_over_its_scale(time: float) -> None:
    """∇ log p = −ê / s: with one network and schedule, DDPM and the score model say the same."""
    ddpm, model = DDPM((12, 2)), ScoreSDE((12, 2))
    ddpm.network = model.network = Bent(1.0)  # type: ignore[assignment]
    ddpm.schedule = VPSchedule()
    x, t = states(), torch.tensor(time, dtype=torch.float64)
    c = VPSchedule()(t)
    noise = noise_from_data(x, ddpm.denoise(x, t), c)
    torch.testing.assert_close(model.score(x, t), -noise / c.s)


@pytest.mark.parametrize("sde", SDES)
@pytest.mark.parametrize("time", TIMES)
def test_without_a_network_it_is_the_score_of_normal_data(sde: str, time: float) -> None:
    """Then x_t is normal with variance a² + s²; autograd has the slope of its log-density."""
    model = ScoreSDE((12, 2), sde=sde)  # type: ignore[arg-type]
    model.network = Bent(0.0)
    x, t = states().requires_grad_(), torch.tensor(time, dtype=torch.float64)
    c = model.coefficients(t)
    normal = torch.distributions.Normal(0.0, torch.sqrt(c.a.square() + c.s.square()))
    (slope,) = torch.autograd.grad(normal.log_prob(x).sum(), x)
    torch.testing.assert_close(model.score(x, t), slope)


@pytest.mark.parametrize("sde", SDES)
def test_score_velocity_and_clean_state_say_the_same(sde: str) -> None:
    """The flow is Song's, dx/dt = f x − ½ g² ∇ log p, with f = a'/a and g² = (s²)' − 2 f s²."""
    model = ScoreSDE((12, 2), sde=sde).double()  # type: ignore[arg-type]
    for time in TIMES:
        x, t = states(), torch.tensor(time, dtype=torch.float64)
        c = model.coefficients(t)
        rate = c.da / c.a
        squared = 2 * c.s * c.ds - 2 * rate * c.s.square()
        expected = rate * x - squared / 2 * model.score(x, t)
        torch.testing.assert_close(model.velocity(x, t), expected)


@pytest.mark.parametrize("sde", SDES)
def test_best_network_has_the_least_loss(sde: str) -> None:
    """With normal data no network is best: any other has a larger loss, by what it adds.

    That is ⟨(a/r · network)²⟩, as the noise in x_t beyond what its width says is pure chance.
    """
    model = ScoreSDE((3, 2), sde=sde)  # type: ignore[arg-type]
    model.coordinates.encode = lambda x: x.flatten(1)[:, :3]  # type: ignore[method-assign]
    losses = []
    for strength in (0.0, 0.5):
        model.network = Bent(strength)
        torch.manual_seed(0)
        losses.append(float(model.loss(torch.randn(100_000, 3, 2))))
    c = model.coefficients(even_times(model.schedule)[:, None])
    share = c.a.square() / (c.a.square() + c.s.square())
    answer = Bent(0.5)(torch.randn(100_000, 3, generator=seeded(2)), share)
    expected = float(share.mean() * answer.square().mean())
    assert losses[1] - losses[0] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("sde", SDES)
def test_times_of_training_are_even_in_the_logarithm_of_noise(sde: str) -> None:
    """Each factor of ten of s/a, from 0.01 to 10, has a third of the times."""
    model = ScoreSDE((12, 2), sde=sde)  # type: ignore[arg-type]
    c = model.coefficients(model.times.double())
    decades = torch.floor(torch.log10(c.s / c.a) + 1e-6)
    counts = [int((decades == decade).sum()) for decade in (-2, -1, 0)]
    assert counts == pytest.approx([333, 333, 333], abs=2)


@pytest.mark.parametrize("divergence", ["exact", "hutchinson"])
def test_density_is_that_of_the_flow(divergence: str) -> None:
    """In internal coordinates, with any network: autograd's determinant of a finely solved flow.

    The estimate by random signs has it as its mean.
    """
    torch.manual_seed(0)
    model = ScoreSDE((3, 2), divergence=divergence).double()  # type: ignore[arg-type]
    x = Chain(beads=3, dim=2).sample(300, seeded(0)).double()
    model.fit(x)

    def to_noise(z: Tensor) -> Tensor:
        times = torch.linspace(0.01, 1.0, 41, dtype=torch.float64)
        found: Tensor = odeint(
            lambda u, z: 2 * u * model.velocity(z, u.square()), z, times, method="rk4"
        )[-1]
        return found

    z = model.coordinates.encode(x[:1])
    jacobian = torch.autograd.functional.jacobian(to_noise, z)[0, :, 0]
    with torch.no_grad():
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(to_noise(z)).sum()
        many = model.log_prob(x[:1].expand(500, -1, -1)) - model.coordinates.log_det(x[:1])
    expected = float(normal + torch.linalg.slogdet(jacobian).logabsdet)
    mean, error = mean_and_error(many)
    assert abs(mean - expected) < 5e-3 + 4 * error
    assert (error > 1e-4) == (divergence == "hutchinson")


def test_unknown_choices_are_refused() -> None:
    """A usage error names what there is."""
    with pytest.raises(UsageError, match="subvp"):
        ScoreSDE((12, 2), sde="edm")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="hutchinson"):
        ScoreSDE((12, 2), divergence="none")  # type: ignore[arg-type]
