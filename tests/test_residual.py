"""Laws of draws that an energy corrects: exact cases, and statistics."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.physics import agree, mean_and_error, seeded
from zoo.errors import UsageError
from zoo.polymer import closest_contact, radius_of_gyration
from zoo.polymer.chain import Chain
from zoo.polymer.repulsion import within
from zoo_plugins.models.nsf import NSF
from zoo_plugins.models.nsf_ebm import NSFEBM
from zoo_plugins.models.residual import LEAST, Residual, highest
from zoo_plugins.models.sde_ebm import SDEEBM

CHAIN = Chain(beads=6)


class Ideal(Residual):
    """Takes chains that know nothing of excluded volume for those of its flow."""

    def __init__(self) -> None:
        super().__init__((6, 2), NSF((6, 2), width=8), clipped=0.005)

    def propose(self, n: int) -> Tensor:
        """Chains of independent bonds and angles."""
        return CHAIN.ideal.grow(n, beads=6, generator=None)


@pytest.fixture(scope="module")
def corrected() -> Ideal:
    """Ideal chains that have learned to keep their distance, from true ones."""
    torch.manual_seed(0)
    x, model = CHAIN.sample(4_000, seeded(1)), Ideal()
    model.eval()
    with torch.no_grad():
        model.fit(x)
        model.finish(x)
    return model


def test_what_a_model_has_missed_of_pairs_is_corrected(corrected: Ideal) -> None:
    """Ideal chains overlap, and are too small; what is kept of them does not, and is not."""
    torch.manual_seed(1)
    truth = CHAIN.sample(20_000, seeded(2))
    before, after = corrected.propose(20_000), corrected.draw(20_000)
    for of, share in ((closest_contact, 0.15), (radius_of_gyration, 0.3)):
        error_before, error_after = (
            abs(float(of(x).mean() - of(truth).mean())) for x in (before, after)
        )
        assert error_after < share * error_before
    assert float((closest_contact(after) < 0.8).float().mean()) < 1e-3


def test_its_density_is_that_of_what_is_corrected_times_weights_of_mean_one(
    corrected: Ideal,
) -> None:
    """∫ q e^(−E) / Z = 1, of proposals that Z was not made of."""
    torch.manual_seed(2)
    weights = torch.exp(corrected._tilt(corrected.propose(50_000)) - corrected.log_z)
    assert agree(mean_and_error(weights), (1.0, 0.01))


def test_weights_are_those_of_the_excluded_volume(corrected: Ideal) -> None:
    """Ideal chains must be weighted by exp(−WCA) over its mean, known here but not to the model."""
    x = CHAIN.ideal.grow(50_000, beads=6, generator=seeded(3))
    exact = -within(x)
    exact -= exact.exp().mean().log()
    usual = exact > -2  # of what is hardly ever to be seen nothing can be learned
    found = (corrected._tilt(x) - corrected.log_z)[usual]
    assert float((found - exact[usual]).square().mean().sqrt()) < 0.2


def test_as_many_are_kept_as_was_foreseen(corrected: Ideal) -> None:
    """So that drawing seldom takes a second round, and little is drawn in vain."""
    torch.manual_seed(3)
    kept = len(corrected._kept(20_000)) / 20_000
    share = float(torch.exp(corrected.log_z - corrected.most))
    assert kept == pytest.approx(share, abs=0.03)


def test_without_the_energy_all_is_kept() -> None:
    """Then draws are those of the diffusion, number by number."""
    model = SDEEBM((6, 2), energy=False, width=8, depth=1, calls=2).eval()
    x = CHAIN.sample(100, seeded(4))
    with torch.no_grad():
        model.fit(x)
        model.finish(x)
        torch.manual_seed(0)
        drawn = model.draw(10)
        torch.manual_seed(0)
        assert torch.equal(drawn, model.propose(10))


def test_the_flow_s_density_is_that_of_its_draws() -> None:
    """Of draws from q, weighted by p/q, and of those from p, ln p/q has the same mean."""
    torch.manual_seed(4)
    model = NSFEBM((6, 2)).eval()
    x = CHAIN.sample(2_000, seeded(5))
    with torch.no_grad():
        model.fit(x)
        model.finish(x)
        drawn = model.draw(20_000)
        found, weights = (
            model.log_prob(y) - model.base.log_prob(y) for y in (drawn, model.propose(20_000))
        )
    assert float(found.max()) <= float(model.most - model.log_z) + 1e-4
    assert float(weights.std()) > 0.2  # the flow, which has learned nothing, needs correction
    assert agree(mean_and_error(found), mean_and_error(weights * weights.exp()))


def test_a_chain_without_pairs_and_a_share_that_is_none_are_refused() -> None:
    """Before anything is trained."""
    for beads, clipped in ((2, 0.01), (6, 1.0), (6, -0.1)):
        with pytest.raises(UsageError, match="expected a share"):
            NSFEBM((beads, 3), clipped=clipped)
    with pytest.raises(UsageError, match="calls=0"):
        SDEEBM((6, 2), calls=0)


@pytest.mark.parametrize("clipped", [0.3, 0.01, 1e-4])
def test_little_is_clipped_and_enough_is_kept(clipped: float) -> None:
    """No more than is allowed lies above the level, unless too little would be kept."""
    weights = 1.5 * torch.randn(10_000, generator=seeded(6))
    level = highest(weights, clipped)
    w, top = weights.exp(), level.exp()
    lost = float((w - top).clamp(min=0).sum() / w.sum())
    kept = float(w.clamp(max=top).mean() / top)
    assert kept >= LEAST * 0.999
    assert lost == pytest.approx(clipped, rel=0.02) or kept == pytest.approx(LEAST, rel=0.02)


def test_hopeless_proposals_do_not_end_in_a_loop() -> None:
    """Where next to nothing is what it should be, much is kept that is not."""
    weights = torch.full((1_000,), -12.0)
    weights[0] = 3.0
    level = highest(weights, 0.01)
    assert float((weights - level).clamp(max=0).exp().mean()) > 0.999 * LEAST
