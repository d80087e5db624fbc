"""Whether the zoo's watch agrees with torch's: a sampler of known cost, timed by both.

    python -m benchmarks.clock                 # CPU, about fifteen seconds
    python -m benchmarks.clock --device cuda

The sampler repeats a fixed matrix product and does nothing else. Both watches time the same
call in the same process with the same threads, in turn; the figure is the ratio of medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.benchmark import Timer

import zoo
from zoo.harness.clock import seconds_per_call, warm_up

LARGEST = 0.03
"""Relative difference of the two medians that is still agreement."""

TURN = 0.02
"""Seconds of one turn of one watch: short, so that both meet the machine in every mood."""

SIDES = {"cpu": (64, 128, 256), "cuda": (256, 1_024, 4_096)}


@dataclass(frozen=True)
class Products(zoo.Sampler[zoo.Model]):
    """Multiplies a fixed matrix by itself, over and over.

    Args:
        matrix: Shape (side, side).
        times: Products per call.
    """

    matrix: Tensor
    times: int = 4

    def sample(self, _model: zoo.Model, _n: int) -> Tensor:
        """The last product."""
        for _ in range(self.times):
            result = self.matrix @ self.matrix
        return result


class Idle(zoo.Model):
    """A model without parameters, which nobody asks."""


def main() -> int:
    """Print a table; the exit status is 1 if the watches disagree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.device}, threads: {options.threads}")
    print(f"{'side':>6} {'zoo [µs]':>12} {'torch [µs]':>12} {'ratio':>7}")
    worst = 0.0
    for side in SIDES[options.device]:
        ours, theirs = compare(side, options.device, options.rounds)
        ratio = statistics.median(ours) / statistics.median(theirs)
        worst = max(worst, abs(ratio - 1))
        print(
            f"{side:6} {statistics.median(ours) * 1e6:12.2f} "
            f"{statistics.median(theirs) * 1e6:12.2f} {ratio:7.4f}"
        )
    verdict = "agree" if worst <= LARGEST else "DISAGREE"
    print(f"largest difference {worst:.2%}, at most {LARGEST:.0%} allowed: the watches {verdict}")
    return int(worst > LARGEST)


def compare(side: int, device: str, rounds: int) -> tuple[list[float], list[float]]:
    """Time one size with both watches in turn, each first in every other round.

    Args:
        side: Rows of the matrix.
        device: Where it is multiplied, `cpu` or `cuda`.
        rounds: How often each watch is asked.

    Returns:
        Seconds per call of every round by the zoo's watch, and by torch's.
    """
    sampler, model = Products(torch.ones(side, side, device=device) / side), Idle()

    def call() -> object:
        return sampler.sample(model, 1)

    timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    once = seconds_per_call(call, device)
    typical = warm_up(lambda: seconds_per_call(call, device), once, TURN, 2.0)
    repeats = max(1, round(TURN / typical))
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        for who in ("zoo", "torch") if number % 2 else ("torch", "zoo"):
            if who == "zoo":
                ours.append(seconds_per_call(call, device, repeats))
            else:
                theirs.append(timer.timeit(repeats).mean)
    return ours, theirs


if __name__ == "__main__":
    sys.exit(main())
