"""Laws of the metrics that ask for a model's density."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

import zoo
from tests.physics import agree, mean_and_error, seeded
from zoo.errors import UsageError
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain
from zoo_plugins.metrics.likelihood import (
    KL,
    HeldOutNLL,
    RgReweighted,
    WeightESS,
    importance_weights,
)
from zoo_plugins.metrics.moments import RgMean

SIZE = 6
P, Q = Normal(0.0, 1.0), Normal(0.25, 1.3)
MANY = 40_000
EVERY: list[zoo.Metric] = [HeldOutNLL(), KL(), WeightESS(), RgReweighted()]


def log_density(law: Normal, x: Tensor) -> Tensor:
    """All coordinates independent: any density will do, of conformations or not."""
    return law.log_prob(x.double()).sum(dim=(1, 2))


def normals(n: int, law: Normal, seed: int) -> Tensor:
    """Draws from it, with the shape of conformations."""
    noise = torch.randn(n, SIZE // 2, 2, generator=seeded(seed), dtype=torch.float64)
    return law.loc + law.scale * noise


@pytest.fixture(scope="module")
def pair() -> tuple[zoo.Drawn, zoo.Data]:
    """A normal model and a normal truth."""
    drawn, test = normals(MANY, Q, 1), normals(MANY, P, 2)
    model = zoo.Drawn(drawn, 1.0, log_density(Q, drawn), log_density(Q, test))
    return model, zoo.Data(test, test, log_prob=lambda x: log_density(P, x))


@pytest.fixture(scope="module")
def chains() -> tuple[zoo.Drawn, zoo.Data]:
    """A model that is a softer chain, exactly drawn, and the truth."""
    truth, soft = Chain(), Chain(k=80.0, kb=0.7)
    drawn, test = soft.sample(20_000, seeded(3)), truth.sample(20_000, seeded(4))
    model = zoo.Drawn(drawn, 1.0, soft.log_prob(drawn), soft.log_prob(test))
    return model, zoo.Data(test[:1], test, log_prob=truth.log_prob)


def test_likelihood_of_normals(pair: tuple[zoo.Drawn, zoo.Data]) -> None:
    """Cross-entropy of two normals: ln(√(2π) s) + (σ² + μ²)/(2s²) for each coordinate."""
    s, shift = float(Q.scale), float(Q.loc)
    entropy = SIZE * (math.log(math.sqrt(2 * math.pi) * s) + (1 + shift**2) / (2 * s * s))
    error = SIZE**0.5 / math.sqrt(MANY)
    assert HeldOutNLL().compute(*pair) == pytest.approx(entropy, abs=4 * error)


def test_divergence_of_normals(pair: tuple[zoo.Drawn, zoo.Data]) -> None:
    """Closed form, and the same from the model's draws alone: E_q[(p/q) ln(p/q)]."""
    exact = SIZE * torch.distributions.kl_divergence(P, Q).item()
    error = mean_and_error(log_density(P, pair[1].test) - log_density(Q, pair[1].test))[1]
    found = KL().compute(*pair)
    assert found == pytest.approx(exact, abs=4 * error)
    x = pair[0].conformations
    logs = log_density(P, x) - log_density(Q, x)
    assert agree((found, error), mean_and_error(logs.exp() * logs))


def test_divergence_is_what_likelihood_lacks(pair: tuple[zoo.Drawn, zoo.Data]) -> None:
    """−⟨ln q⟩ = KL + entropy, in which the same test conformations cancel exactly."""
    entropy = -log_density(P, pair[1].test).mean().item()
    lacks = HeldOutNLL().compute(*pair) - entropy
    assert KL().compute(*pair) == pytest.approx(lacks, rel=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1.15, 1.3])
def test_effective_size_of_normals(scale: float) -> None:
    """1/E_q[w²] = (√(2t² − 1)/t²)ᵈ for a truth of width 1 and a model of width t."""
    wide = Normal(0.0, scale)
    x = normals(MANY, wide, 5)
    data = zoo.Data(x, x, log_prob=lambda x: log_density(P, x))
    # Densities that no double can hold, since only their ratio matters.
    drawn = zoo.Drawn(x, log_prob=log_density(wide, x) + 5_000.0)
    exact = (math.sqrt(2 * scale**2 - 1) / scale**2) ** SIZE
    assert WeightESS().compute(drawn, data) == pytest.approx(exact, rel=0.02)


def test_weights_by_hand() -> None:
    """Ratios 3 : 1 : 0, the last impossible: size (3 + 1)²/(3 · 10), mean Rg (3·1 + 1·2)/4."""
    rod = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    x = torch.stack([rod, 2 * rod, 9 * rod])
    truth = torch.tensor([3.0, 2.0, 0.0]).log()
    data = zoo.Data(x, x, log_prob=lambda _: truth)
    drawn = zoo.Drawn(x, log_prob=torch.tensor([1.0, 2.0, 1.0]).log())
    assert importance_weights(drawn, data).tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert WeightESS().compute(drawn, data) == pytest.approx(16 / 30)
    assert RgReweighted().compute(drawn, data) == pytest.approx(1.25)


def test_weights_put_a_softer_chain_right(chains: tuple[zoo.Drawn, zoo.Data]) -> None:
    """The draws' own mean Rg is wrong by many errors; weighted it is the truth's."""
    drawn, data = chains
    truth = mean_and_error(radius_of_gyration(data.test))
    assert agree(truth, (2.5029, 0.0))
    plain = mean_and_error(radius_of_gyration(drawn.conformations))
    assert RgMean().compute(*chains) == pytest.approx(plain[0], rel=1e-5)
    assert abs(plain[0] - 2.5029) > 10 * plain[1]
    weights, radii = importance_weights(drawn, data), radius_of_gyration(drawn.conformations)
    found = RgReweighted().compute(*chains)
    error = (weights * (radii - found)).square().sum().sqrt().item()
    assert error < 0.01
    assert agree((found, error), (2.5029, 0.0))


def test_weights_of_chains_are_normalised(chains: tuple[zoo.Drawn, zoo.Data]) -> None:
    """E_q[p/q] = 1 needs both partition functions; E_q[w²] = E_p[w] gives the size again."""
    drawn, data = chains
    assert data.log_prob is not None
    assert drawn.log_prob is not None
    assert drawn.test_log_prob is not None
    ratio = (data.log_prob(drawn.conformations) - drawn.log_prob).double().exp()
    assert agree(mean_and_error(ratio), (1.0, 0.005))
    among_true = (data.log_prob(data.test) - drawn.test_log_prob).double().exp().mean().item()
    assert WeightESS().compute(*chains) == pytest.approx(1 / among_true, rel=0.05)


def test_a_failed_conformation_or_density_never_scores(
    chains: tuple[zoo.Drawn, zoo.Data],
) -> None:
    """One NaN in a drawn conformation, or in what the model says of one."""
    drawn, data = chains
    assert drawn.log_prob is not None
    assert drawn.test_log_prob is not None
    x, own, of_test = (
        t.clone() for t in (drawn.conformations, drawn.log_prob, drawn.test_log_prob)
    )
    x[7, 0, 0] = own[8] = of_test[9] = math.nan
    for metric in (WeightESS(), RgReweighted()):
        assert math.isnan(metric.compute(replace(drawn, conformations=x), data))
        assert math.isnan(metric.compute(replace(drawn, log_prob=own), data))
    for held_out in (HeldOutNLL(), KL()):
        assert math.isnan(held_out.compute(replace(drawn, test_log_prob=of_test), data))


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: type(metric).__name__)
def test_a_density_that_is_missing_is_named(
    metric: zoo.Metric, pair: tuple[zoo.Drawn, zoo.Data]
) -> None:
    """The model's, then the dataset's; the likelihood alone needs nothing of the dataset."""
    drawn, data = pair
    with pytest.raises(UsageError, match="model gave no log-density"):
        metric.compute(zoo.Drawn(drawn.conformations), data)
    blind = replace(data, log_prob=None)
    if not isinstance(metric, HeldOutNLL):
        with pytest.raises(UsageError, match="dataset has no log-density"):
            metric.compute(drawn, blind)
