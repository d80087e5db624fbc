"""What coordinates do to a model: every network model on every representation.

    python -m benchmarks.representations     # about six minutes on two cores

One seed each at the standard budget; the VAE's last column is the information its two latent
numbers carry, in nats: 0 means that its posterior has collapsed and the decoder ignores them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tabulate import tabulate
from torch import Tensor

import zoo
from zoo.harness.training import train
from zoo.polymer.chain import Chain
from zoo.registry import discover

MODELS = ("vae", "ddpm", "cfm", "nsf")
COORDINATES = ("internal", "bonds", "rouse", "aligned")


def main() -> None:
    """Run the grid and print it."""
    names = [f"{model}[coordinates={name}]" for model in MODELS for name in COORDINATES]
    board = zoo.run(
        names,
        samplers=["direct", "ode"],
        seeds=1,
        device="cpu",
        out=Path("zoo-results") / "representations",
    )
    columns = ["model", "rg_w1", "bond_w1", "ree_w1", "contact_w1", "cpu_us_per_sample"]
    table = board[columns].sort_values("model")
    print(tabulate(table.values.tolist(), columns, "pipe", floatfmt=".3g"))
    x = Chain().sample(20_000, torch.Generator().manual_seed(1))
    for name in COORDINATES:
        print(f"vae[coordinates={name}]: {information(name, x):.3f} nats in the latent numbers")


def information(coordinates: str, x: Tensor) -> float:
    """Mean divergence of the encoder's normal from the prior, on conformations not seen."""
    torch.manual_seed(0)
    model = discover(first_party_only=True).find("model", f"vae[coordinates={coordinates}]")
    vae = model.build((12, 2))
    train(vae, x[:10_000], epochs=25)
    with torch.no_grad():
        mean, log_std = vae.encoder(vae.coordinates.encode(x[10_000:])).chunk(2, dim=1)
        divergence = (mean.square() + (2 * log_std).exp() - 1) / 2 - log_std
    return float(divergence.sum(dim=1).mean())


if __name__ == "__main__":
    main()
