"""The lecture's recipes are the published ones, written out here a second time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.physics import seeded
from zoo.polymer import align, random_rotations, rotate
from zoo_plugins.models.lecture import LectureDDPM, LectureVAE
from zoo_plugins.samplers.ancestral import Ancestral

SHAPE = (12, 2)
STEPS = 200


@pytest.fixture(params=[torch.float64, torch.float32])
def dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """Both precisions: double for the formulas, single for what users run."""
    found: torch.dtype = request.param
    torch.set_default_dtype(found)
    yield found
    torch.set_default_dtype(torch.float32)


def chains(n: int) -> Tensor:
    """Random walks far from the origin, in no particular direction."""
    steps = torch.randn(n, *SHAPE, generator=seeded(n))
    return steps.cumsum(1) + 5.0


def constant(layers: nn.Sequential, values: list[float]) -> None:
    """Make a network answer the same whatever it is asked."""
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor(values))


def embedding(step: Tensor) -> Tensor:
    """Sines, then cosines, of the step at 32 rates from 1 to nearly 1/10,000."""
    rates = torch.tensor([10_000.0 ** (-i / 32) for i in range(32)])
    return torch.cat([torch.sin(torch.outer(step, rates)), torch.cos(torch.outer(step, rates))], 1)


def published_noise(model: LectureDDPM, x: Tensor, step: Tensor) -> Tensor:
    """The denoiser: its network over states and embedded steps."""
    found: Tensor = model.network(torch.cat([x, embedding(step.to(x))], dim=-1))
    return found


def published_samples(model: LectureDDPM, n: int) -> Tensor:
    """The loop of lecture 4: a mean from the predicted noise, plus √β of fresh noise."""
    betas = torch.linspace(1e-4, 0.02, STEPS)
    alphas = 1.0 - betas
    bars = torch.cumprod(alphas, dim=0)
    x = torch.randn(n, 24)
    for k in range(STEPS - 1, -1, -1):
        noise = published_noise(model, x, torch.full((n,), k))
        mean = (x - betas[k] / torch.sqrt(1.0 - bars[k]) * noise) / torch.sqrt(alphas[k])
        x = mean + torch.sqrt(betas[k]) * torch.randn_like(x) if k > 0 else mean
    return x.reshape(-1, 12, 2)


def test_draws_are_those_of_the_published_loop(dtype: torch.dtype) -> None:
    """Same weights and same random numbers: `ancestral[steps=200]` draws the same chains."""
    torch.manual_seed(0)
    model = LectureDDPM(SHAPE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # far enough from zero for its answers to matter
        torch.manual_seed(1)
        found = Ancestral(steps=STEPS, variance="large").sample(model, 6)
        torch.manual_seed(1)
        expected = published_samples(model, 6)
    digits = 1e-9 if dtype == torch.float64 else 1e-3
    torch.testing.assert_close(found, expected, rtol=digits, atol=digits)


def test_loss_is_the_published_one(dtype: torch.dtype) -> None:
    """For the same steps and noise: squared error of the noise in aligned, unscaled chains."""
    torch.manual_seed(0)
    model, x = LectureDDPM(SHAPE), chains(40).to(dtype)
    model.fit(x)
    torch.manual_seed(2)
    found = model.loss(x)
    torch.manual_seed(2)
    step = torch.randint(0, STEPS, (40,))
    data = align(x).reshape(40, 24)
    noise = torch.randn_like(data)
    bars = torch.cumprod(1.0 - torch.linspace(1e-4, 0.02, STEPS), dim=0)[step][:, None]
    state = torch.sqrt(bars) * data + torch.sqrt(1.0 - bars) * noise
    expected = (published_noise(model, state, step) - noise).square().mean()
    torch.testing.assert_close(found, expected)


def test_step_is_embedded_as_published() -> None:
    """The network sees the state, then the 64 waves of the step; t = (k + 1)/200 is step k."""
    model, seen = LectureDDPM(SHAPE), []
    model.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(3, 24, generator=seeded(3))
    for k in (0, 1, 66, 199):
        model.denoise(x, torch.tensor((k + 1) / STEPS))
        torch.testing.assert_close(seen[-1][:, :24], x)
        expected = embedding(torch.full((3,), float(k)))
        torch.testing.assert_close(seen[-1][:, 24:], expected, rtol=0, atol=1e-4)


def test_coordinates_are_aligned_and_not_scaled() -> None:
    """Chains turned, mirrored and shifted have the loss of the aligned ones, in σ."""
    torch.manual_seed(0)
    x = 10 * chains(20)
    for model in (LectureDDPM(SHAPE), LectureVAE(SHAPE)):
        model.fit(x)
        torch.manual_seed(4)
        turned = rotate(x, random_rotations(20, 2)) * torch.tensor([1.0, -1.0]) + 30.0
        losses = []
        for chain in (x, turned, align(x)):
            torch.manual_seed(5)
            losses.append(model.loss(chain))
        torch.testing.assert_close(losses[1], losses[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(losses[2], losses[0], rtol=1e-3, atol=1e-3)
    torch.manual_seed(6)
    vae = LectureVAE(SHAPE)
    constant(vae.encoder, [0.0] * 4)
    constant(vae.decoder, [0.0] * 24)
    size = (x - x.mean(1, keepdim=True)).square().sum() / 20  # in σ², not in standard deviations
    torch.testing.assert_close(vae.loss(x), size)


def test_bound_is_the_published_one_by_hand() -> None:
    """One chain met exactly: what remains is 0.01 of the divergence of a known normal.

    The decoder answers with the aligned chain itself, the encoder with means (1, −2) and
    variances (4, 1/4): KL = ½ (1 + 4 + 4 + ¼ − 2 − log 4 − log ¼) = 3.625.
    """
    x = chains(1)
    vae = LectureVAE(SHAPE)
    constant(vae.encoder, [1.0, -2.0, math.log(4), -math.log(4)])
    constant(vae.decoder, align(x).flatten().tolist())
    assert vae.loss(x).item() == pytest.approx(0.03625, abs=1e-6)
    # Half a σ more in each of 24 numbers costs 24/4 = 6, summed and not averaged.
    constant(vae.decoder, (align(x) + 0.5).flatten().tolist())
    assert vae.loss(x.repeat(5, 1, 1)).item() == pytest.approx(6.03625, abs=1e-4)


def test_bound_is_the_published_one_for_a_network(dtype: torch.dtype) -> None:
    """On a batch, against torch's own divergence of normals and the same random code."""
    torch.manual_seed(0)
    vae, x = LectureVAE(SHAPE), chains(30).to(dtype)
    data = align(x).reshape(30, 24)
    torch.manual_seed(7)
    found = vae.loss(x)
    torch.manual_seed(7)
    numbers = vae.encoder(data)
    posterior = torch.distributions.Normal(numbers[:, :2], numbers[:, 2:].exp().sqrt())
    code = posterior.mean + posterior.stddev * torch.randn(30, 2)
    prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    divergence = torch.distributions.kl_divergence(posterior, prior).sum(1)
    expected = ((vae.decoder(code) - data).square().sum(1) + 0.01 * divergence).mean()
    torch.testing.assert_close(found, expected)


def test_draws_are_means_of_the_decoder() -> None:
    """Codes are all that is random: equal codes give equal chains, those of the decoder."""
    torch.manual_seed(0)
    vae = LectureVAE(SHAPE)
    torch.manual_seed(8)
    found, after = vae.draw(5), torch.get_rng_state()
    torch.manual_seed(8)
    expected = vae.decoder(torch.randn(5, 2)).reshape(5, 12, 2)
    assert torch.equal(after, torch.get_rng_state())
    torch.testing.assert_close(found, expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", lambda n, size, **_: torch.ones(n, size))
        same = vae.draw(5)
    torch.testing.assert_close(same, same[:1].expand_as(same))


def test_recipes_are_as_published() -> None:
    """150 epochs for the VAE, 200 for the DDPM; batches of 256 and a constant rate of 1e-3."""
    for model, epochs in ((LectureVAE, 150), (LectureDDPM, 200)):
        assert model.recipe == zoo.Recipe(
            epochs=epochs,
            batch_size=256,
            learning_rate=1e-3,
            decay=False,
            ema=0.0,
            weight_decay=0.0,
        )


def test_networks_are_as_published() -> None:
    """Three hidden layers of 256 with ReLU: widths of all layers, and nothing else inside."""
    ddpm, vae = LectureDDPM(SHAPE), LectureVAE(SHAPE)
    for layers, ends in ((ddpm.network, (88, 24)), (vae.encoder, (24, 4)), (vae.decoder, (2, 24))):
        widths = [(m.in_features, m.out_features) for m in layers if isinstance(m, nn.Linear)]
        assert widths == [(ends[0], 256), (256, 256), (256, 256), (256, ends[1])]
        assert [type(m) for m in layers] == [nn.Linear, nn.ReLU] * 3 + [nn.Linear]
