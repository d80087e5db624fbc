"""Is the KL divergence on the board right? Against an independent estimate, from a finished run.

    python -m benchmarks.likelihoods zoo-results

The board's `kl` averages log p − log q over the test conformations. With both densities
normalised the same number is the mean of w log w over the model's own draws, w = p / q: other
conformations, other weights, and right only if both densities are. The mean of w itself must be
1. Errors are standard errors over all draws of all seeds; those of the second route are honest
only as far as the weights have a variance. This needs draws that follow the density: those of a
path model by `ode` do, and those by other walks have no line here.

Before that table stands, model by model, what the likelihood of the same test conformations leaves
to be learned: the mean of −log q, that of −log p, which is the exact entropy but for the choice of
conformations, and their difference, with its spread over trainings.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load
from tabulate import tabulate
from torch import Tensor

from zoo.board.lines import group
from zoo.harness.stages import DATA_FILE, DENSITY_FILE, DRAWN_FILE
from zoo.harness.store import Store
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain


def main() -> None:
    """Print one line per model that has a density, then one per entry."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="results of a finished run of bead-spring")
    folder = parser.parse_args().folder
    headings = ["model", "-ln q, test [nats]", "-ln p", "above it", "spread of seeds"]
    print(tabulate(list(models(folder)), headings, "pipe", disable_numparse=True), end="\n\n")
    headings = ["entry", "KL over test", "KL over draws", "mean of w"]
    headings += ["mean Rg", "reweighted", "true"]
    print(tabulate(list(entries(folder)), headings, "pipe", disable_numparse=True))


def models(folder: Path) -> Iterator[list[str]]:
    """A line for each model of the default chain that has a density, the best first."""
    truth = Chain()
    found: dict[str, tuple[float, list[str]]] = {}
    for entry in kept(folder, "kl"):
        log_p = truth.log_prob(test_set(folder, entry.sha256))
        log_q = test_log_probs(folder, entry)
        above = mean_of(log_p - log_q.mean(dim=0))
        spread = float(log_q.double().mean(dim=1).std(correction=0))
        figures = map(shown, (mean_of(-log_q.mean(dim=0)), mean_of(-log_p), above))
        # A model's density of test conformations is the same whichever sampler drew.
        name = f"{entry.model} · {entry.preset}"
        found[name] = above[0], [*figures, f"{spread:.4f}"]
    for name, (_, cells) in sorted(found.items(), key=lambda item: item[1][0]):
        yield [name, *cells]


def entries(folder: Path) -> Iterator[list[str]]:
    """A line for each entry of the default chain whose draws follow the model's density."""
    truth = Chain()
    true = mean_of(radius_of_gyration(truth.sample(400_000, torch.Generator().manual_seed(0))))
    for entry in kept(folder, "weight_ess"):
        sets = [load_kept(folder, "sample", keys, DRAWN_FILE) for keys in entry.keys]
        test = test_set(folder, entry.sha256)
        x = torch.cat([one["conformations"] for one in sets])
        log_w = (truth.log_prob(x) - torch.cat([one["log_prob"] for one in sets])).double()
        w = log_w.exp()
        # All seeds meet the same test conformations: what is independent are these, not all pairs.
        log_q = test_log_probs(folder, entry).mean(dim=0)
        product = torch.where(w > 0, w * log_w, 0.0)
        figures = [
            *(mean_of(truth.log_prob(test) - log_q), mean_of(product), mean_of(w)),
            *(mean_of(radius_of_gyration(x)), ratio(w, radius_of_gyration(x).double()), true),
        ]
        yield [f"{entry.model} · {entry.sampler} · {entry.preset}", *map(shown, figures)]


class Kept(NamedTuple):
    """A line of the board, the data it was judged by, and the keys of its trainings' results."""

    model: str
    sampler: str
    preset: str
    sha256: str
    keys: list[dict[str, str]]


def kept(folder: Path, metric: str) -> list[Kept]:
    """The lines of the default chain that have a metric at every seed, in order."""
    found = []
    for jobs in group(Store(folder).rows()):
        row = jobs[0]
        if row["dataset"] == "bead-spring" and all(metric in job["values"] for job in jobs):
            found.append(
                Kept(
                    *(row["model"], row["sampler"], row["settings"]["preset"]),
                    *(row["made_by"]["data_sha256"], [job["made_by"]["keys"] for job in jobs]),
                )
            )
    return sorted(found, key=lambda entry: entry[:4])


def test_log_probs(folder: Path, entry: Kept) -> Tensor:
    """What each training of a model says of the test conformations, shape (seeds, n)."""
    files = [load_kept(folder, "density", keys, DENSITY_FILE) for keys in entry.keys]
    return torch.stack([tensors["test_log_prob"] for tensors in files])


def load_kept(folder: Path, stage: str, keys: dict[str, str], name: str) -> dict[str, Tensor]:
    """Tensors that a stage of one training has left."""
    return load((folder / stage / keys[stage] / name).read_bytes())


def test_set(folder: Path, sha256: str) -> Tensor:
    """The test conformations of a data file."""
    for path in folder.glob(f"data/*/{DATA_FILE}"):
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == sha256:
            return load(data)["test"]
    raise SystemExit(f"{folder} holds no data with the SHA-256 {sha256[:12]}.")


def mean_of(values: Tensor) -> tuple[float, float]:
    """Mean and standard error."""
    x = values.double()
    return float(x.mean()), float(x.std() / math.sqrt(len(x)))


def ratio(w: Tensor, values: Tensor) -> tuple[float, float]:
    """Weighted mean and its standard error, by the delta method."""
    mean = float((w * values).sum() / w.sum())
    residual = w * (values - mean) / w.mean()
    return mean, float(residual.std() / math.sqrt(len(w)))


def shown(found: tuple[float, float]) -> str:
    """Value and standard error."""
    return f"{found[0]:.4f} ± {found[1]:.4f}"


if __name__ == "__main__":
    main()
