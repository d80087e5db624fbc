"""Laws of all first-party models, through the registry, and what each of them promises."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.densities import check_density_of_draws
from tests.physics import seeded
from zoo.contracts import Density, Trainable
from zoo.errors import UsageError
from zoo.harness.training import train
from zoo.polymer import augment, pair_distances, turning_angles
from zoo.polymer.chain import Chain
from zoo.polymer.geometry import bond_lengths, bond_vectors
from zoo.registry import FIRST_PARTY, Choice, Listing, discover
from zoo_plugins.datasets.bead_spring import BeadSpring
from zoo_plugins.models.nsf import NSF
from zoo_plugins.models.vae import VAE

LISTINGS = {
    listing.spec.name: listing
    for listing in discover().of("model")
    if listing.plugin.distribution == FIRST_PARTY
}
SHAPES = [(12, 2), (8, 3), (24, 2)]
LEARNED = ["vae", "ddpm", "latent-ddpm", "cfm", "nsf"]


def chains(n: int, shape: tuple[int, int] = (12, 2), seed: int = 0, **settings: float) -> Tensor:
    """True conformations."""
    return Chain(beads=shape[0], dim=shape[1], **settings).sample(n, seeded(seed))


def build(listing: Listing, shape: tuple[int, int]) -> zoo.Model:
    """A model as the harness builds it, with the dataset where it needs one."""
    beads, dim = shape
    extra = {"dataset": BeadSpring(beads=beads, dim=dim)} if listing.spec.needs else {}
    model = Choice(listing).build(shape, **extra)
    assert isinstance(model, zoo.Model)
    return model


def draws(model: zoo.Model, n: int) -> Tensor:
    """What a model makes of noise: a path decodes it, without any walk."""
    with torch.no_grad():
        if isinstance(model, zoo.Path):
            return model.decode(torch.randn(n, model.size))
        return cast(zoo.OneShot, model).draw(n)


def constant(layers: nn.Sequential, values: Tensor) -> None:
    """Make a network answer the same whatever it is asked."""
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(values)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LISTINGS)
def test_every_model_learns_and_draws_chains(name: str, shape: tuple[int, int]) -> None:
    """After a few steps on true chains: finite draws, each another one, and finite densities."""
    torch.manual_seed(0)
    x, model = chains(300, shape), build(LISTINGS[name], shape)
    losses = train(model, x, 2)
    drawn = draws(model, 50)
    assert drawn.shape == (50, *shape)
    assert torch.isfinite(drawn).all()
    assert torch.pdist(pair_distances(drawn)).min() > 0
    assert isinstance(model, Trainable) == bool(losses)
    assert isinstance(model, Density) == ("log_prob" in LISTINGS[name].spec.offers)
    if isinstance(model, Density):
        assert torch.isfinite(model.log_prob(x)).all()
        torch.testing.assert_close(model.log_prob(x + 7), model.log_prob(x), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", LEARNED)
def test_models_have_equal_budgets(name: str) -> None:
    """Between 200,000 and 300,000 parameters for 12 beads in the plane: what is compared."""
    model = build(LISTINGS[name], (12, 2))
    assert 200_000 < sum(p.numel() for p in model.parameters()) < 300_000


@pytest.mark.parametrize("name", [*LEARNED, "gaussian", "shuffled", "copy-train", "truth"])
def test_draws_have_no_preferred_direction(name: str) -> None:
    """First bonds of many draws point every way: the mean of their directions vanishes."""
    torch.manual_seed(0)
    model = build(LISTINGS[name], (12, 2))
    train(model, chains(300), 1)
    bonds = nn.functional.normalize(bond_vectors(draws(model, 4000))[:, 0], dim=-1)
    assert bonds.mean(0).norm() < 4 / math.sqrt(4000)


@pytest.mark.parametrize("name", LEARNED)
def test_a_chart_that_does_not_fit_is_refused(name: str) -> None:
    """Aligned coordinates in three dimensions are a usage error, and so is an unknown name."""
    for shape, coordinates in (((8, 3), "aligned"), ((12, 2), "polar")):
        with pytest.raises(UsageError, match="aligned"):
            Choice(LISTINGS[name], (("coordinates", coordinates),)).build(shape)


def perturbed(x: Tensor, **settings: Any) -> NSF:
    """A flow in double precision, far from the identity it begins with."""
    torch.manual_seed(0)
    model = NSF((x.shape[1], x.shape[2]), width=24, **settings).double()
    model.fit(x.double())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
    return model


def test_density_of_the_flow_integrates_to_one() -> None:
    """For three beads in the plane, by quadrature over bond lengths, angle and orientation.

    Bonds are stiff, so that no density falls beyond an angle of π. In the measure of centred
    conformations, dx = b₁ b₂ db₁ db₂ dθ dω / 3, since bond vectors span 3 times their volume.
    """
    model = perturbed(chains(500, (3, 2), kb=20.0), couplings=4)
    z = torch.linspace(-6.5, 6.5, 66, dtype=torch.float64)
    grid = torch.cartesian_prod(z, z, z)
    x = model.coordinates.decode(grid)
    with torch.no_grad():
        log_prob = torch.cat([model.log_prob(part) for part in x.split(20_000)])
        changed = log_prob - (model.coordinates.log_det(x) - grid.square().sum(1) / 2)
    assert (changed + 1.5 * math.log(2 * math.pi)).abs().max() > 0.5  # no longer a plain normal
    cell = (z[1] - z[0]) ** 3 * model.coordinates.std.prod()
    volume = bond_lengths(x).prod(1) * cell * 2 * math.pi / 3
    assert (log_prob.exp() * volume).sum().item() == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("coordinates", ["internal", "bonds"])
def test_density_of_the_flow_is_that_of_its_draws(coordinates: str) -> None:
    """The Jacobian of `draw` gives the same, whether or not coordinates forget the pose."""
    model = perturbed(chains(500, (5, 2), kb=5.0), coordinates=coordinates)
    check_density_of_draws(model, 4, rtol=1e-6, atol=1e-5)


def test_flow_ties_every_number_to_every_other() -> None:
    """No entry of the Jacobian of all couplings together vanishes: both halves take turns."""
    model = perturbed(chains(100, (6, 2)))

    def bend(z: Tensor) -> Tensor:
        for coupling in model.couplings:
            z, _ = coupling(z, inverse=False)
        return z[0]

    z = torch.randn(1, model.coordinates.size, generator=seeded(0), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(bend, z)[:, 0]
    assert jacobian.abs().min() > 1e-9


def test_vae_draws_with_the_spread_of_its_decoder() -> None:
    """A decoder that answers lengths 3 ± 0.1 and angles 0 ± 0.2 gives chains that have them."""
    torch.manual_seed(0)
    model = VAE((12, 2))
    centre = torch.tensor([3.0] * 11 + [0.0] * 10)
    spread = torch.tensor([0.1] * 11 + [0.2] * 10)
    constant(model.decoder, torch.cat([centre, spread.log()]))
    x = draws(model, 4000)
    lengths, angles = bond_lengths(x), turning_angles(x)
    assert lengths.mean().item() == pytest.approx(3, abs=0.002)
    assert lengths.std(0).numpy() == pytest.approx([0.1] * 11, rel=0.06)
    assert angles.std(0).numpy() == pytest.approx([0.2] * 10, rel=0.06)


def test_vae_loss_is_the_evidence_bound() -> None:
    """Per coordinate and up to ½ log 2π: the negative log-likelihood plus KL, as torch has them.

    With constant networks nothing depends on the code, so the bound is a closed form.
    """
    x, model = chains(200), VAE((12, 2))
    model.fit(x)
    constant(model.encoder, torch.tensor([0.5, -1.0, 0.2, -0.3]))
    constant(model.decoder, torch.cat([torch.zeros(21), torch.full((21,), 0.4)]))
    torch.manual_seed(1)
    found = model.loss(x)
    torch.manual_seed(1)
    z = model.coordinates.encode(augment(x))
    q = torch.distributions.Normal(torch.tensor([0.5, -1.0]), torch.tensor([0.2, -0.3]).exp())
    prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    divergence = torch.distributions.kl_divergence(q, prior).sum()
    likelihood = torch.distributions.Normal(0.0, math.exp(0.4)).log_prob(z).sum(1).mean()
    expected = (divergence - likelihood) / 21 - math.log(2 * math.pi) / 2
    torch.testing.assert_close(found, expected)
