"""What a noise schedule does to a chain, and what each repair of it gains.

    python -m benchmarks.schedules                    # preset standard: half an hour or more
    python -m benchmarks.schedules --preset quick     # a first look, in minutes

Every line is a model and a sampler of the zoo. Two lines start their walks from noisy training
data in place of noise, which no sampler can do and which shows what the start alone costs; they
are trained here, once. The table goes to `benchmarks/results/schedules.md`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from tabulate import tabulate
from torch import Tensor

import zoo
from zoo.generative.paths import mean_from_data
from zoo.harness.settings import Settings, settings_for
from zoo.harness.training import train
from zoo.polymer import align, radius_of_gyration
from zoo.registry import discover
from zoo_plugins.datasets.bead_spring import BeadSpring
from zoo_plugins.metrics.observables import BondW1, RgW1
from zoo_plugins.models.lecture import LectureDDPM
from zoo_plugins.models.networks import ChainPath

KEPT = Path(__file__).parent / "results" / "schedules.md"


class Line(NamedTuple):
    """A line of the table: what it shows, its model, steps of `ancestral`, and its start."""

    shows: str
    model: str
    steps: int = 200
    noisy_data: bool = False


def ddpm(**options: object) -> str:
    """The label of `ddpm` on bond vectors with these options."""
    options |= {"coordinates": "bonds"}
    return f"ddpm[{','.join(f'{key}={value}' for key, value in sorted(options.items()))}]"


def raw(**options: object) -> str:
    """The same where the network's output is itself what is predicted."""
    return ddpm(skip=False, **options)


RECIPE = raw(schedule="linear", steps=200)
LINES = (
    Line("the lecture's recipe, as published", "lecture-ddpm"),
    Line("… started from noisy data", "lecture-ddpm", noisy_data=True),
    Line("standardised states, our network", RECIPE),
    Line("… started from noisy data", RECIPE, noisy_data=True),
    Line("… T = 1000", raw(schedule="linear", steps=1000), steps=1000),
    Line("… zero-SNR, x̂", raw(predicts="data", schedule="zero_snr", steps=200)),
    Line("… zero-SNR, v", raw(predicts="velocity", schedule="zero_snr", steps=200)),
    Line("cosine, ê", raw()),
    Line("cosine, x̂", raw(predicts="data")),
    Line("cosine, v", raw(predicts="velocity")),
    Line("cosine, μ̃", raw(predicts="mean", steps=200)),
    Line("cosine, ê with the skip", ddpm()),
    Line("cosine, x̂ with the skip", ddpm(predicts="data")),
    Line("cosine, μ̃ with the skip", ddpm(predicts="mean", steps=200)),
    Line("cosine, min-SNR weights with the skip", ddpm(weighting="min_snr")),
    Line("ê with the skip, on internal coordinates", "ddpm"),
    Line("the truth itself", "truth"),
)


class Scores(NamedTuple):
    """What is said of a line."""

    rg_w1: float
    rg_mean: float
    bond_w1: float
    nfe: float


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--out", type=Path, default=Path("zoo-results") / "schedules")
    parser.add_argument("--write", type=Path, default=KEPT)
    words = parser.parse_args()
    table = lines(words.preset, words.out)
    command = "python -m benchmarks.schedules"
    about = f"`{command}`, preset {words.preset}; torch {torch.__version__}, CPU."
    words.write.write_text(f"# What a noise schedule does\n\n{about}\n\n{table}\n", "utf-8")
    print(table)


def lines(preset: str, out: Path) -> str:
    """The table, from kept results where there are any."""
    boards = {steps: run(preset, out, steps) for steps in sorted({line.steps for line in LINES})}
    settings = settings_for(preset)
    floor = float(boards[200]["rg_w1_floor"].iloc[0])
    headings = ["", "model", "calls", "Rg W1 [std]", "× floor", "mean Rg [σ]", "bond W1 [σ]"]
    rows = []
    for line in LINES:
        board = boards[line.steps]
        found = from_noisy_data(line, settings) if line.noisy_data else kept(line, board)
        figures = [f"{found.rg_w1:.3f}", f"{found.rg_w1 / floor:.1f}"]
        figures += [f"{found.rg_mean:.3f}", f"{found.bond_w1:.4f}"]
        rows.append([line.shows, f"`{line.model}`", f"{found.nfe:.0f}", *figures])
    return tabulate(rows, headings, "pipe", disable_numparse=True)


def run(preset: str, out: Path, steps: int) -> pd.DataFrame:
    """The board of all lines that walk this number of steps."""
    models = list(dict.fromkeys(line.model for line in LINES if line.steps == steps))
    samplers = [f"ancestral[steps={steps}]", *(["direct"] if "truth" in models else [])]
    return zoo.run(models, samplers=samplers, preset=preset, device="cpu", out=out)


def kept(line: Line, board: pd.DataFrame) -> Scores:
    """The scores of a line of a board."""
    row = board[board["model"] == line.model].iloc[0]
    return Scores(*(float(row[name]) for name in Scores._fields))


def from_noisy_data(line: Line, settings: Settings) -> Scores:
    """Train a model, and walk from its training data at t = 1 instead of from pure noise."""
    torch.manual_seed(0)
    x, test = BeadSpring().split()
    model = discover(first_party_only=True).find("model", line.model).build((12, 2))
    epochs = model.recipe.epochs if settings.own_epochs else None
    train(model, x, epochs or settings.epochs)
    with torch.no_grad():
        drawn = torch.cat(list(walks(model, x[: settings.draws], line.steps)))
    data = zoo.Data(train=x, test=test)
    scores = [metric.compute(zoo.Drawn(drawn), data) for metric in (RgW1(), BondW1())]
    return Scores(scores[0], float(radius_of_gyration(drawn).mean()), scores[1], line.steps)


def walks(model: zoo.Path, x: Tensor, steps: int) -> Iterator[Tensor]:
    """Conformations at the end of walks from conformations with the noise of t = 1.

    Steps are those of `ancestral`, in DDPM's own words: μ̃, and noise of variance β.
    """
    times = torch.linspace(1.0, 0.0, steps + 1)
    for part in torch.split(x, 1_000):
        c = model.coefficients(times[0])
        state = c.a * clean_states(model, part) + c.s * torch.randn(len(part), model.size)
        for t, r in pairwise(times):
            c, earlier = model.coefficients(t), model.coefficients(r)
            state = mean_from_data(state, model.denoise(state, t), c, earlier)
            if r > 0:
                beta = 1 - (c.a / earlier.a).square()
                state = state + math.sqrt(beta) * torch.randn_like(state)
        yield model.decode(state)


def clean_states(model: zoo.Path, x: Tensor) -> Tensor:
    """What a model makes of conformations before it adds noise."""
    if isinstance(model, ChainPath):
        return model.coordinates.encode(x)
    if isinstance(model, LectureDDPM):
        return align(x).flatten(1)
    raise TypeError(f"nothing is known of the states of {type(model).__name__}")


if __name__ == "__main__":
    main()
