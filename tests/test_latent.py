"""Laws of latent diffusion: the bound, what the path learns from, and what it leads to."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from tests.physics import seeded
from zoo.errors import UsageError
from zoo.generative.paths import noise_from_data
from zoo.harness.training import train
from zoo.polymer import augment, turning_angles
from zoo.polymer.chain import Chain
from zoo.polymer.geometry import bond_lengths
from zoo_plugins.models.latent import LatentDDPM

CODE_MEAN, CODE_WIDTH = torch.tensor([0.5, -1.0]), torch.tensor([0.3, 0.7])
RESOLUTION = 0.05


def chains(n: int) -> Tensor:
    """True conformations."""
    return Chain().sample(n, seeded(0))


def constant(layers: nn.Sequential, values: Tensor) -> None:
    """Make a network answer the same whatever it is asked."""
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(values)


def blind(x: Tensor) -> LatentDDPM:
    """A model whose three networks do not look: codes, decoder and correction are constant."""
    torch.manual_seed(0)
    model = LatentDDPM((12, 2), latent=2, resolution=RESOLUTION)
    model.fit(x)
    constant(model.codes.encoder, torch.cat([CODE_MEAN, CODE_WIDTH.log() + 2]))
    constant(model.codes.decoder, torch.full((21,), 0.3))
    constant(model.network.mlp, torch.tensor([0.4, -0.2]))
    return model


def test_loss_is_the_bound_and_the_noise_of_the_path() -> None:
    """By torch's own normals: likelihood, KL, and |ê − e|² in codes at unit variance.

    The likelihood is that of lengths and angles, each ± 0.05, short of its constant; in eval mode
    the scales of the codes stay 0 and 1.
    """
    x = chains(300)
    model = blind(x).eval()
    torch.manual_seed(1)
    found = model.loss(x)
    torch.manual_seed(1)
    z = model.codes.coordinates.encode(augment(x))
    q = torch.distributions.Normal(CODE_MEAN, CODE_WIDTH)
    code = CODE_MEAN + CODE_WIDTH * torch.randn(300, 2)
    divergence = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum()
    decoder = torch.distributions.Normal(0.3 * model.codes.coordinates.std, RESOLUTION)
    likelihood = decoder.log_prob(z * model.codes.coordinates.std) - decoder.log_prob(decoder.mean)
    bound = (divergence - likelihood.sum(dim=1).mean()) / 21
    noise = torch.randn(300, 2)
    angle = math.acos(0.01) * torch.rand(300, 1)
    state = angle.cos() * code + angle.sin() * noise
    named = angle.sin() * state + angle.cos() * torch.tensor([0.4, -0.2])
    torch.testing.assert_close(found, bound + (named - noise).square().mean())


def test_the_path_teaches_the_autoencoder_nothing() -> None:
    """Gradients of encoder and decoder are the same whatever the path's network says."""
    x, found = chains(64), []
    torch.manual_seed(0)
    model = LatentDDPM((12, 2), latent=3)
    model.fit(x)
    for factor in (1.0, 30.0):
        with torch.no_grad():
            for parameter in model.network.mlp.parameters():
                parameter.mul_(factor)
        torch.manual_seed(1)
        model.zero_grad()
        loss = model.loss(x)
        loss.backward()
        layers = [*model.codes.encoder.parameters(), *model.codes.decoder.parameters()]
        found.append((loss.item(), [p.grad.clone() for p in layers if p.grad is not None]))
    assert found[1][0] > found[0][0] + 0.1
    assert len(found[0][1]) == len(layers)
    for first, second in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(first, second)


def test_states_are_codes_at_unit_variance() -> None:
    """Once the encoder stands still, scales are found: codes of N(m, w²) become standard."""
    x = chains(256)
    model = blind(x)
    for _ in range(1_000):
        model.loss(x)
    torch.testing.assert_close(model.codes.mean, CODE_MEAN, rtol=0, atol=0.05)
    torch.testing.assert_close(model.codes.std, CODE_WIDTH, rtol=0.05, atol=0)
    asked: list[Tensor] = []
    model.codes.decoder.register_forward_pre_hook(lambda _, inputs: asked.append(inputs[0]))
    model.decode(torch.tensor([[1.0, -2.0]]))
    expected = model.codes.mean + torch.tensor([1.0, -2.0]) * model.codes.std
    torch.testing.assert_close(asked[0][0], expected)


def test_decode_draws_with_the_spread_of_the_decoder() -> None:
    """Angles that the decoder puts at 0 come ± 0.2, and lengths, which vary by less, as they are.

    Scales are those of lengths 3 ± 0.1 and angles 0 ± 0.9; the resolution is 0.2.
    """
    torch.manual_seed(0)
    model = LatentDDPM((12, 2), resolution=0.2)
    model.codes.coordinates.mean = torch.tensor([3.0] * 11 + [0.0] * 10)
    model.codes.coordinates.std = torch.tensor([0.1] * 11 + [0.9] * 10)
    constant(model.codes.decoder, torch.zeros(21))
    with torch.no_grad():
        x = model.decode(torch.randn(4000, 12))
    lengths, angles = bond_lengths(x), turning_angles(x)
    assert lengths.mean().item() == pytest.approx(3, abs=0.002)
    assert lengths.std(0).numpy() == pytest.approx([0.1] * 11, rel=0.06)
    assert angles.std(0).numpy() == pytest.approx([0.2] * 10, rel=0.06)


def test_denoise_and_loss_speak_of_one_noise() -> None:
    """The noise that `denoise` implies is s x_t plus a times the correction of the network."""
    model = blind(chains(100))
    x_t, t = torch.randn(5, 2, generator=seeded(2)), torch.tensor(0.3)
    c = model.coefficients(t)
    implied = noise_from_data(x_t, model.denoise(x_t, t), c)
    expected = c.s * x_t + c.a * torch.tensor([0.4, -0.2])
    torch.testing.assert_close(implied, expected, rtol=1e-4, atol=1e-5)


def test_codes_carry_angles_and_leave_bonds_to_the_decoder() -> None:
    """After some training most of each angle is in the code, and next to nothing of a bond."""
    torch.manual_seed(0)
    x = Chain(beads=5).sample(1_000, seeded(0))
    model = LatentDDPM((5, 2), latent=4, width=40)
    train(model, x, 120)
    with torch.no_grad():
        z = model.codes.coordinates.encode(x)
        code = model.codes.encoder(z)[:, :4]
        left = (z - model.codes.decoder(code)).var(dim=0) / z.var(dim=0)
    assert (left[:4] > 0.7).all()
    assert (left[4:] < 0.1).all()


@pytest.mark.parametrize("options", [{"latent": 0}, {"resolution": 0.0}, {"resolution": -1.0}])
def test_nothing_to_lead_to_is_refused(options: dict[str, float]) -> None:
    """Neither an empty code nor one of endless digits makes a latent space."""
    with pytest.raises(UsageError, match="expected both above 0"):
        LatentDDPM((12, 2), **options)  # type: ignore[arg-type]
