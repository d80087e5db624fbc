"""Longer chains and more draws: what becomes of fidelity, time and memory, and of one training.

    python -m benchmarks.scaling                          # long: leave it to itself
    python -m benchmarks.scaling --beads 12 --draws 1000 --write /tmp/scaling.md

Each model is trained once per length of the chain, on 10,000 conformations, as its recipe says.
Every distance is over the mean of the same distance between true sets of the same size: 1 is the
truth. Densities also draw longer chains with weights that have only seen the shortest, in several
trainings on as many sets. Memory is by how much drawing drives up the resident set, all draws
kept, as someone who needs them would.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from tabulate import tabulate
from torch import Tensor

import zoo
from zoo.harness.clock import peak_memory
from zoo.harness.machine import describe
from zoo.harness.training import train
from zoo.polymer import (
    bond_lengths,
    closest_contact,
    end_to_end,
    radius_of_gyration,
    turning_angles,
)
from zoo.polymer.chain import Chain
from zoo.registry import Registry, discover

OBSERVABLES: dict[str, Callable[[Tensor], Tensor]] = {
    "Rg": radius_of_gyration,
    "ends": end_to_end,
    "bonds": bond_lengths,
    "angles": turning_angles,
    "contacts": closest_contact,
}
TRAIN = 10_000
BATCH = 1_000
PAIRS = 4
"""True sets whose distances to the test set are the floor."""

WRITTEN = Path(__file__).parent / "results" / "scaling.md"
HEADINGS = ["model", "beads", "draws", *(f"{name} ×" for name in [*OBSERVABLES, "energy"])]
HEADINGS += ["KL [nats]", "µs per draw", "MB", "training [s]"]
TIME = HEADINGS.index("µs per draw")


@dataclass(frozen=True)
class Drawing:
    """What was found of draws of one model."""

    ratios: tuple[float, ...]
    kl: tuple[float, float] | None
    """Divergence from the truth and its standard error, in nats; `None` without a density."""
    each: float
    """Time per draw, in µs."""
    megabytes: float | None


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--models", nargs="+", default=["grow", "ebm", "fragments", "copy-train"], metavar="MODEL"
    )
    parser.add_argument("--beads", nargs="+", type=int, default=[12, 24, 48, 96])
    parser.add_argument("--draws", nargs="+", type=int, default=[10**k for k in range(3, 7)])
    parser.add_argument("--most", type=float, default=2.5e8, help="most draws times beads²")
    parser.add_argument(
        "--trainings", type=int, default=5, help="of the shortest chains, to draw longer ones"
    )
    parser.add_argument("--write", type=Path, default=WRITTEN)
    asked = parser.parse_args()
    rows = list(measure(asked.models, asked.beads, asked.draws, asked.most, asked.trainings))
    table = tabulate(rows, HEADINGS, "pipe", disable_numparse=True)
    text = (
        f"# Longer chains, more draws\n\n{_made()}\n\n{table}\n\n{exponents(rows)}".rstrip() + "\n"
    )
    asked.write.write_text(text, encoding="utf-8")
    print(text)


def measure(
    models: Sequence[str],
    lengths: Sequence[int],
    draws: Sequence[int],
    most: float,
    trainings: int,
) -> Iterator[list[str]]:
    """A line for each model, length and number of draws, as it comes."""
    registry = discover(first_party_only=True)
    shortest = min(lengths)
    short: dict[str, list[dict[str, Tensor]]] = {}
    for beads in sorted(lengths):
        chain = Chain(beads=beads)
        counts = [n for n in draws if n * beads**2 <= most]
        truth = Truth(chain, max(counts))
        for name in models:
            model, seconds = _trained(registry, name, chain, 0)
            for n in counts:
                yield _line(name, n, beads, [_drawing(model, truth, n)], f"{seconds:.0f}")
            if beads == shortest and isinstance(model, zoo.contracts.Density):
                others = [_trained(registry, name, chain, k)[0] for k in range(1, trainings)]
                short[name] = [one.state_dict() for one in (model, *others)]
            elif name in short:
                n, found = min(10_000, max(counts)), []
                for weights in short[name]:
                    model.load_state_dict(weights)
                    found.append(_drawing(model.eval(), truth, n))
                yield _line(f"{name}, of {shortest} beads", n, beads, found, "–")


def _trained(registry: Registry, name: str, chain: Chain, seed: int) -> tuple[zoo.OneShot, float]:
    """A model trained on conformations of its own, and the seconds it took."""
    x = chain.sample(TRAIN, torch.Generator().manual_seed(seed))
    torch.manual_seed(seed)
    model = cast(zoo.OneShot, registry.find("model", name).build((chain.beads, 2)))
    start = time.perf_counter()
    train(model, x, model.recipe.epochs or 80)
    return model, time.perf_counter() - start


class Truth:
    """A true test set of the most conformations, and others to hold against it.

    Args:
        chain: The chain.
        n: How many conformations.
    """

    def __init__(self, chain: Chain, n: int) -> None:
        self.chain = chain
        generator = torch.Generator().manual_seed(1_000)
        self.test = chain.sample(n, generator)
        self.others = [chain.sample(n, generator) for _ in range(PAIRS)]
        self.observables = OBSERVABLES | {"energy": chain.energy}

    def ratios(self, x: Tensor) -> tuple[float, ...]:
        """Distances of drawn conformations to as many true ones, over those of true sets."""
        n, found = len(x), []
        for observable in self.observables.values():
            test = observable(self.test[:n])
            floors = [_distance(observable(other[:n]), test) for other in self.others]
            found.append(_distance(observable(x), test) / (sum(floors) / PAIRS))
        return tuple(found)


def _drawing(model: zoo.OneShot, truth: Truth, n: int) -> Drawing:
    torch.manual_seed(2_000)  # far from the seeds of trainings, and of the truth
    with torch.no_grad():
        model.draw(BATCH)
        (x, seconds), megabytes = peak_memory(lambda: _drawn(model, n), "cpu")
        kl = _kl(model, truth) if isinstance(model, zoo.contracts.Density) else None
    return Drawing(truth.ratios(x), kl, seconds / n * 1e6, megabytes)


def _line(name: str, n: int, beads: int, found: Sequence[Drawing], trained: str) -> list[str]:
    ratios = zip(*(one.ratios for one in found), strict=True)
    megabytes = [one.megabytes for one in found if one.megabytes is not None]
    return [
        *(name, str(beads), f"{n:,}"),
        *(_middle(values, ".1f") for values in ratios),
        _kl_cell([one.kl for one in found if one.kl is not None]),
        _middle([one.each for one in found], ",.1f"),
        _middle(megabytes, ",.0f"),
        trained,
    ]


def _kl_cell(found: Sequence[tuple[float, float]]) -> str:
    if len(found) == 1:
        return " ± ".join(f"{x:.3f}" for x in found[0])
    return _middle([kl for kl, _ in found], ".3f")


def _middle(values: Sequence[float], form: str) -> str:
    """The median, and if there are several what they range over.

    Example:
        >>> _middle([2.0, 1.0, 4.0], ".1f"), _middle([2.0], ".1f")
        ('2.0 [1.0, 4.0]', '2.0')
    """
    if not values:
        return "–"
    middle = f"{statistics.median(values):{form}}"
    ends = "" if len(values) == 1 else f" [{min(values):{form}}, {max(values):{form}}]"
    return middle + ends


def _drawn(model: zoo.OneShot, n: int) -> tuple[Tensor, float]:
    """Conformations, drawn batch by batch, and the seconds it took."""
    start = time.perf_counter()
    x = torch.cat([model.draw(min(BATCH, n - k)) for k in range(0, n, BATCH)])
    return x, time.perf_counter() - start


def _kl(model: zoo.contracts.Density, truth: Truth) -> tuple[float, float]:
    """Divergence of a density from the truth's, and its standard error, in nats."""
    some = truth.test[:2_000]
    log_q = torch.cat([model.log_prob(part) for part in torch.split(some, 250)])
    kl = (truth.chain.log_prob(some) - log_q).double()
    return float(kl.mean()), float(kl.std()) / math.sqrt(len(kl))


def _distance(a: Tensor, b: Tensor) -> float:
    """Wasserstein-1 distance of two samples of equal size."""
    return float((a.flatten().sort().values - b.flatten().sort().values).abs().double().mean())


def exponents(rows: Sequence[Sequence[str]]) -> str:
    """How time per draw grows with the number of beads, by least squares of the logarithms.

    Example:
        >>> exponents([["a", "10", "5", *["1"] * 7, "2.0", "", ""],
        ...            ["a", "20", "5", *["1"] * 7, "8.0", "", ""]])
        'Time per draw grows with the number of beads to the power: a 2.0.'
    """
    found = []
    for name in dict.fromkeys(row[0] for row in rows):
        points = {
            int(row[1]): float(row[TIME].split()[0].replace(",", ""))
            for row in rows
            if row[0] == name
        }
        if len(points) > 1:
            logs = torch.tensor([[math.log(v) for v in point] for point in points.items()])
            logs = logs - logs.mean(dim=0)
            slope = (logs[:, 0] * logs[:, 1]).sum() / logs[:, 0].square().sum()
            found.append(f"{name} {slope:.1f}")
    if not found:
        return ""
    return f"Time per draw grows with the number of beads to the power: {', '.join(found)}."


def _made() -> str:
    return (
        f"`python -m benchmarks.scaling`: one training of each on {TRAIN:,} conformations. Columns "
        "with × are W1 distances to the truth over those between true sets of as many. KL is taken "
        "over 2,000 true conformations, ± one standard error. Where there are several trainings, "
        "each on a training set of its own: median [range]. "
        f"{torch.get_num_threads()} thread(s), {describe('').label}, torch {torch.__version__}."
    )


if __name__ == "__main__":
    main()
