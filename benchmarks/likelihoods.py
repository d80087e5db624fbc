"""Is the KL divergence on the board right? Against an independent estimate, from a finished run.

    python -m benchmarks.likelihoods zoo-results

The board's `kl` averages log p − log q over the test conformations. With both densities
normalised the same number is the mean of w log w over the model's own draws, w = p / q: other
conformations, other weights, and right only if both densities are. The mean of w itself must be
1. Errors are standard errors over all draws of all seeds; those of the second route are honest
only as far as the weights have a variance.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from tabulate import tabulate
from torch import Tensor

from zoo.harness.stages import DATA_FILE, DRAWN_FILE
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain


def main() -> None:
    """Print one line per entry that has a density."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="results of a finished run of bead-spring")
    folder = parser.parse_args().folder
    headings = ["entry", "KL over test", "KL over draws", "mean of w", "Rg reweighted", "Rg true"]
    print(tabulate(list(entries(folder)), headings, "pipe", disable_numparse=True))


def entries(folder: Path) -> Iterator[list[str]]:
    """A line for each entry of the default chain whose draws have a density."""
    truth = Chain()
    true = mean_of(radius_of_gyration(truth.sample(400_000, torch.Generator().manual_seed(0))))
    for name, rows in sorted(kept(folder).items()):
        drawn = [load((folder / "sample" / key / DRAWN_FILE).read_bytes()) for key in rows]
        test = test_set(folder, truth)
        x = torch.cat([one["conformations"] for one in drawn])
        log_p = truth.log_prob(x)
        log_w = (log_p - torch.cat([one["log_prob"] for one in drawn])).double()
        w = log_w.exp()
        over_test = torch.cat([(truth.log_prob(test) - one["test_log_prob"]) for one in drawn])
        product = torch.where(w > 0, w * log_w, 0.0)
        yield [name, *map(shown, (mean_of(over_test), mean_of(product), mean_of(w))),
               shown(ratio(w, radius_of_gyration(x).double())), shown(true)]  # fmt: skip


def kept(folder: Path) -> dict[str, list[str]]:
    """Keys of the drawn sets of each entry that has a density."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((folder / "rows").glob("*.json")):
        row: dict[str, Any] = json.loads(path.read_bytes())
        if row["dataset"] == "bead-spring" and "kl" in row["values"]:
            found[f"{row['model']} · {row['sampler']}"].append(row["made_by"]["keys"]["sample"])
    return found


def test_set(folder: Path, truth: Chain) -> Tensor:
    """Test conformations of the default chain."""
    for path in folder.glob(f"data/*/{DATA_FILE}"):
        test = load(path.read_bytes())["test"]
        if test.shape[1:] == (truth.beads, truth.dim):
            return test
    raise SystemExit(f"{folder} holds no data of the default chain.")


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
