"""Do the board's 95% intervals cover what they should? By simulation with the headline metric.

A simulated model draws true chains, every length multiplied by 1 + bias + spread · ε with ε a
normal number that each training draws anew. As on the board, each seed's 10,000 draws are scored
against one test set, which gives the value, and against replicas, which give its error. What the
interval should hold is the mean over trainings, draws and test sets, known from all repetitions.

Usage: `python -m benchmarks.coverage [--repetitions 1000] [--seeds 1 3 10]`
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tabulate import tabulate
from torch import Generator, Tensor

from zoo.board.statistics import Scores, jackknife_variance
from zoo.harness.settings import PRESETS
from zoo.polymer import radius_of_gyration
from zoo.polymer.chain import Chain
from zoo_plugins.metrics.distances import wasserstein1

SETTINGS = PRESETS["standard"]
SIZE = SETTINGS.draws
POOL = 4_000_000


@dataclass(frozen=True)
class Scenario:
    """A model that is wrong in a known way.

    Args:
        name: What it stands for.
        bias: Mean relative expansion of its chains.
        spread: Standard deviation of that between trainings.
    """

    name: str
    bias: float
    spread: float


SCENARIOS = (
    Scenario("perfect", 0.0, 0.0),
    Scenario("perfect on average", 0.0, 0.003),
    Scenario("just visible", 0.003, 0.0),
    Scenario("just visible, seeds differ", 0.003, 0.003),
    Scenario("visible", 0.01, 0.0),
    Scenario("visible, seeds differ", 0.01, 0.005),
    Scenario("bad, seeds differ much", 0.05, 0.02),
)


class Truth:
    """Radii of gyration of true chains, drawn from a large pool of them."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        chain, parts = Chain(), 40
        drawn = [chain.sample(POOL // parts, generator) for _ in range(parts)]
        self.radii = torch.cat([radius_of_gyration(x) for x in drawn])

    def draw(self) -> Tensor:
        """As many radii as the board has draws, sorted."""
        chosen = torch.randint(POOL, (SIZE,), generator=self.generator)
        return self.radii[chosen].sort().values


def score(drawn: Tensor, test: Tensor) -> float:
    """The headline: Wasserstein-1 distance in standard deviations of the test's.

    Both are sorted: as many of either are then moved one to one, which is far quicker.
    """
    if len(drawn) == len(test):
        return float((drawn - test).abs().mean() / test.std())
    return wasserstein1(drawn, test) / float(test.std())


def line(truth: Truth, scenario: Scenario, seeds: int) -> tuple[list[list[float]], float]:
    """One line of a board: its table of scores, and the jackknife's variance over draws."""
    tests = [truth.draw() for _ in range(1 + SETTINGS.replicas)]
    shifts = torch.randn(seeds, generator=truth.generator)
    factors = 1 + scenario.bias + scenario.spread * shifts
    drawn = [float(factor) * truth.draw() for factor in factors]
    noise = math.nan
    if seeds == 1:
        turn = torch.randperm(SIZE, generator=truth.generator) % SETTINGS.draw_groups
        groups = range(SETTINGS.draw_groups)
        noise = jackknife_variance([score(drawn[0][turn != g], tests[0]) for g in groups])
    return [[score(x, test) for test in tests] for x in drawn], noise


def covered(scenario: Scenario, truth: Truth, seeds: int, repetitions: int) -> list[str]:
    """A row of the table: how often the interval holds the mean, and Student's over seeds."""
    tables, noises = zip(*(line(truth, scenario, seeds) for _ in range(repetitions)), strict=True)
    scores = Scores(np.array(tables), np.array(noises))
    found = scores.estimate()
    mean = found.mean.mean()
    ours = np.abs(found.mean - mean) <= found.half_width
    naive = Scores(scores.table[:, :, :1], np.full(repetitions, math.nan)).estimate()
    students = np.abs(naive.mean - mean) <= naive.half_width
    return [
        scenario.name,
        str(seeds),
        f"{mean:.4f}",
        f"{found.mean.std():.4f}",
        f"{ours.mean():.1%}",
        "–" if seeds == 1 else f"{students.mean():.1%}",
    ]


def rows(all_seeds: Sequence[int], repetitions: int) -> Iterator[list[str]]:
    """The table, row by row."""
    truth = Truth(torch.Generator().manual_seed(0))
    for seeds in all_seeds:
        for scenario in SCENARIOS:
            if seeds > 1 or scenario.spread == 0:  # one seed promises nothing about others
                yield covered(scenario, truth, seeds, repetitions)


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 3, 10])
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = list(rows(options.seeds, options.repetitions))
    headings = ["model", "seeds", "mean rg_w1", "its spread", "covered", "Student's, seeds alone"]
    align = ("left", *["right"] * 5)
    print(tabulate(table, headings, "pipe", disable_numparse=True, colalign=align))


if __name__ == "__main__":
    main()
