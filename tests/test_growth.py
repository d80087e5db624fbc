"""Laws of the two models of pair potentials: exact densities, and draws that follow them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from tests.physics import seeded
from zoo.errors import PluginError
from zoo.harness.training import train
from zoo.polymer import augment, closest_contact
from zoo.polymer.chain import Chain
from zoo_plugins.models.ebm import EBM
from zoo_plugins.models.grow import Grow
from zoo_plugins.models.potential import CELL, PairPotentials, look_up

Build = Callable[[tuple[int, int]], Grow | EBM]

BOTH = pytest.mark.parametrize("build", [Grow, EBM])
SHAPES = pytest.mark.parametrize("shape", [(6, 2), (5, 3)])


def learned(build: Build, shape: tuple[int, int], epochs: int = 3) -> Grow | EBM:
    """A model after a few passes over true chains, and nothing like what it began as."""
    torch.manual_seed(0)
    model = build(shape)
    chains = Chain(beads=shape[0], dim=shape[1]).sample(1024, seeded(1))
    train(model, chains, epochs)
    return model


@pytest.mark.parametrize(
    ("build", "shape"),
    [(Grow, (6, 2)), (Grow, (5, 3)), (EBM, (6, 2)), (EBM, (9, 2)), (EBM, (14, 2)), (EBM, (8, 3))],
)
def test_weights_against_the_truth_average_to_one(build: Build, shape: tuple[int, int]) -> None:
    """E_q[p/q] = 1 if the model's density is normalised and its draws follow it; p is exact.

    Longer chains than `ebm` proposes at once are made of pieces, of equal or other lengths.
    """
    model, chain = learned(build, shape), Chain(beads=shape[0], dim=shape[1])
    torch.manual_seed(2)
    with torch.no_grad():
        x = model.draw(4000)
        weights = (chain.log_prob(x) - model.log_prob(x)).double().exp()
    error = weights.std().item() / math.sqrt(len(weights))
    assert weights.mean().item() == pytest.approx(1, abs=4 * error + 0.005)
    assert error < 0.02


@SHAPES
@BOTH
def test_a_little_learning_goes_a_long_way(build: Build, shape: tuple[int, int]) -> None:
    """From a thousand chains both come within 0.1 nats of the truth: it is a sum over pairs."""
    model, chain = learned(build, shape, epochs=25), Chain(beads=shape[0], dim=shape[1])
    x = chain.sample(4000, seeded(3))
    with torch.no_grad():
        assert (chain.log_prob(x) - model.log_prob(x)).mean().item() < 0.1


@BOTH
def test_density_has_no_direction(build: Build) -> None:
    """Turned and shifted chains are as likely."""
    model = learned(build, (6, 2), epochs=1)
    x = Chain(beads=6).sample(50, seeded(4))
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    with torch.no_grad():
        torch.testing.assert_close(
            model.log_prob(x @ turn + 3), model.log_prob(x), atol=2e-2, rtol=1e-3
        )


@BOTH
def test_beads_keep_the_distance_that_was_seen(build: Build) -> None:
    """What training never showed is not drawn: no contact is much closer than the closest."""
    model = learned(build, (8, 2))
    seen = closest_contact(Chain(beads=8).sample(1024, seeded(1))).min()
    torch.manual_seed(5)
    with torch.no_grad():
        assert closest_contact(model.draw(3000)).min() > 0.85 * seen


def test_growth_of_long_chains_is_learned_from_some_beads() -> None:
    """The loss of a long chain, of a few random beads, is on average that of all of them."""
    torch.manual_seed(0)
    model = Grow((20, 2))
    x = Chain(beads=20).sample(64, seeded(6))
    model.fit(x)
    with torch.no_grad():
        whole = (
            torch.stack([-model._log_prob(augment(x), range(18)).mean() for _ in range(60)])
            / model.internal.size
        )
        some = torch.stack([model.loss(x) for _ in range(60)])
    error = math.hypot(whole.std().item(), some.std().item()) / math.sqrt(60)
    assert some.mean().item() == pytest.approx(whole.mean().item(), abs=4 * error)


def test_energy_based_model_says_when_nothing_fits() -> None:
    """Where all proposals overlap, drawing ends with an error that says what to do."""
    model = EBM((6, 2))
    with torch.no_grad():
        model.fit(Chain(beads=6).sample(200, seeded(7)))
        model.potential.closest.fill_(50.0)
        with pytest.raises(PluginError, match=r"nearly all overlap.*grow"):
            model.draw(10)


def test_tables_are_the_network_between_its_knots() -> None:
    """A table is continuous, constant beyond its ends, and has the wall of the formula."""
    torch.manual_seed(0)
    potentials = PairPotentials(torch.tensor([[0.5], [0.1]]), channels=1, width=8)
    last = potentials.network[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.normal_(last.weight)
    with torch.no_grad():
        potentials.closest.fill_(0.9)
        learned, wall = potentials.learned()[0], potentials.walls()[0, 0]
        assert learned.diff(dim=1)[:, 100:].abs().max() < 0.1 * learned.std()
        assert (learned[:, :9] == learned[:, :1]).all()  # nearer than the first knot
        squared = torch.tensor([[0.7**2, 1.0**2]])
        found = look_up(wall.expand(2, -1), torch.tensor([0, 1]), squared / CELL)[0]
    exact = 4 * ((0.9 / 0.7) ** 12 - 1)
    assert found[0].item() == pytest.approx(exact, rel=6 * CELL / 0.7**2)
    assert found[1] == 0


def test_what_a_model_keeps_is_all_there_is_to_it() -> None:
    """A fresh model with the kept tensors has the same density, whatever was cached before."""
    x = Chain(beads=6).sample(20, seeded(8))
    for build in (Grow, EBM):
        first, other = learned(build, (6, 2)), learned(build, (6, 2), epochs=1)
        with torch.no_grad():
            before = other.log_prob(x)
            other.load_state_dict(first.state_dict())
            torch.testing.assert_close(other.log_prob(x), first.log_prob(x))
            assert (other.log_prob(x) - before).abs().max() > 1e-3


@BOTH
def test_weights_of_short_chains_draw_long_ones(build: Build) -> None:
    """There is no length in the weights; the density of longer chains is a density as well."""
    long, chain = build((14, 2)), Chain(beads=14)
    long.load_state_dict(learned(build, (12, 2)).state_dict())
    torch.manual_seed(9)
    with torch.no_grad():
        x = long.draw(3000)
        weights = (chain.log_prob(x) - long.log_prob(x)).double().exp()
    error = weights.std().item() / math.sqrt(len(weights))
    assert weights.mean().item() == pytest.approx(1, abs=4 * error)
    assert error < 0.1


def test_gradient_of_the_loss_is_that_of_the_likelihood() -> None:
    """Draws of the model stand for log Z: steps along the gradient change the likelihood alike."""
    model = learned(EBM, (8, 2), epochs=1)
    assert isinstance(model, EBM)
    x = Chain(beads=8).sample(1000, seeded(13))
    torch.manual_seed(14)
    grads = [torch.autograd.grad(model.loss(x), model.turn)[0] for _ in range(60)]
    estimate, error = torch.stack(grads).mean(0), torch.stack(grads).std(0) / math.sqrt(60)
    way = estimate / estimate.norm()
    found = []
    with torch.no_grad():
        for step in (0.05, -0.05):
            model.turn.add_(way, alpha=step)
            found.append(-model.log_prob(x).mean().item() / model.internal.size)
            model.turn.sub_(way, alpha=step)
    slope, noise = (found[0] - found[1]) / 0.1, (way.abs() * error).sum().item()
    assert slope == pytest.approx((estimate @ way).item(), abs=4 * noise + 2e-3)


def test_no_density_where_no_draw_can_be() -> None:
    """A bond far longer than any that is drawn has no density at all."""
    model = learned(Grow, (6, 2), epochs=1)
    with torch.no_grad():
        assert model.log_prob(30 * Chain(beads=6).sample(5, seeded(10))).isneginf().all()


def test_estimating_the_constant_disturbs_nobody() -> None:
    """The random state of whoever asks for a density is as it was."""
    model = learned(EBM, (6, 2), epochs=1)
    torch.manual_seed(11)
    state = torch.get_rng_state()
    with torch.no_grad():
        model.log_prob(Chain(beads=6).sample(5, seeded(12)))
    assert torch.equal(torch.get_rng_state(), state)
