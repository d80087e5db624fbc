"""Time of drawing against the time of its bare matrix products: what all the rest costs.

    python -m benchmarks.arithmetic                     # some four minutes
    python -m benchmarks.arithmetic --entries "ddpm ddim" "vae direct" --threads 1

While a model draws, the shapes of all its matrix products are written down; then the same products
are done alone. So are draws by a path whose network calls torch has compiled. All are timed in
turn, in one process, after one pass over the data. At batch 1 the products take next to nothing,
and what is left is the interpreter: it is given per network call.
"""

from __future__ import annotations

import argparse
import copy
import functools
import operator
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import zoo
from zoo import Model, Sampler
from zoo.harness.clock import seconds_per_call
from zoo.harness.compiled import compile_calls
from zoo.harness.machine import describe
from zoo.harness.sampling import CallCounter, build_sampler
from zoo.harness.training import train
from zoo.polymer.chain import Chain
from zoo.registry import discover

ENTRIES = (
    "vae direct", "nsf direct", "grow direct", "ebm direct", "fragments direct", "cfm dpmpp",
    "ddpm dpmpp", "ddpm ancestral", "score-sde dpmpp", "lecture-vae direct",
    "lecture-ddpm ancestral",
)  # fmt: skip
BATCH = 1_000
WRITTEN = Path(__file__).parent / "results" / "arithmetic.md"
HEADINGS = ("model · sampler", "calls", "MFLOP per draw", "µs per draw", "bare products [µs]",
            "ratio", "ratio, compiled", "overhead per call at batch 1 [µs]",
            "overhead, compiled [µs]")  # fmt: skip


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down the shapes of all matrix products that are done inside it.

    Example:
        >>> with Products() as seen:
        ...     _ = torch.ones(2, 3) @ torch.ones(3, 4)
        >>> seen.shapes
        [((2, 3), (3, 4))]
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an operator of torch
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Do what is asked for, and remember it."""
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.addmm):
            first, second = args[-2:]
            self.shapes.append((tuple(first.shape), tuple(second.shape)))
        return func(*args, **(kwargs or {}))

    @property
    def flops(self) -> float:
        """Multiplications and additions in all."""
        return sum(2.0 * torch.Size(a).numel() * b[-1] for a, b in self.shapes)

    def alone(self) -> Callable[[], None]:
        """A function that does the same products and nothing else."""
        made: dict[tuple[int, ...], Tensor] = {}
        for shape in (shape for pair in self.shapes for shape in pair):
            made.setdefault(shape, torch.randn(shape))
        pairs = [(made[a], made[b]) for a, b in self.shapes]

        def work() -> None:
            for a, b in pairs:
                torch.matmul(a, b)

        return work


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", nargs="+", default=ENTRIES, metavar='"MODEL SAMPLER"')
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--write", type=Path, default=WRITTEN)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows = [measure(entry, asked.rounds) for entry in asked.entries]
    text = (
        "# Drawing against its bare matrix products\n\n"
        f"`python -m benchmarks.arithmetic`: batch {BATCH:,}, medians of {asked.rounds} rounds, "
        f"{asked.threads} threads, {describe('').label}, torch {torch.__version__}.\n\n"
        f"{tabulate(rows, HEADINGS, 'pipe', disable_numparse=True)}\n"
    )
    asked.write.write_text(text, encoding="utf-8")
    print(text)


@torch.no_grad()
def measure(entry: str, rounds: int) -> list[str]:
    """One line: a model with a sampler, by their names."""
    registry = discover(first_party_only=True)
    model_name, sampler_name = entry.split()
    model = registry.find("model", model_name).build((12, 2))
    sampler = build_sampler(registry.find("sampler", sampler_name))
    with torch.enable_grad():
        train(model, Chain().sample(10_000, torch.Generator().manual_seed(0)), 1)
    calls = _calls(model, sampler)
    models = [model]
    if any(isinstance(one, zoo.Path) for one in model.modules()):
        models.append(copy.deepcopy(model))
        compile_calls(models[1])
    draws = [functools.partial(sampler.sample, one) for one in models]
    draws[-1](1)  # what is compiled first fits one size of the batch only
    bare, times, flops = _in_turn(draws, BATCH, rounds)
    single_bare, singles, _ = _in_turn(draws, 1, rounds)
    ratios = [f"{_median(operator.truediv, own, bare):.2f}" for own in times]
    left = [f"{_median(operator.sub, own, single_bare) / calls * 1e6:,.0f}" for own in singles]
    each, products = (statistics.median(x) / BATCH * 1e6 for x in (times[0], bare))
    return [
        entry.replace(" ", " · "), str(calls), f"{flops / BATCH / 1e6:,.2f}", f"{each:,.2f}",
        f"{products:,.2f}", *_two(ratios), *_two(left),
    ]  # fmt: skip


def _two(cells: list[str]) -> list[str]:
    """Eager and compiled, with a dash where there was nothing to compile."""
    return [*cells, "–"][:2]


def _calls(model: Model, sampler: Sampler[Any]) -> int:
    """Network calls for one draw."""
    counter = CallCounter(watched := copy.deepcopy(model))
    sampler.sample(watched, 1)
    return counter.rows


def _median(
    function: Callable[[float, float], float], a: Sequence[float], b: Sequence[float]
) -> float:
    """Over rounds."""
    return statistics.median(map(function, a, b))


def _in_turn(
    draws: Sequence[Callable[[int], object]], n: int, rounds: int
) -> tuple[Sequence[float], Sequence[Sequence[float]], float]:
    """Seconds of bare products and of each way to draw, and how many operations these are."""
    for draw in draws:
        draw(n)
    with Products() as seen:
        draws[0](n)
    works = [seen.alone(), *(functools.partial(draw, n) for draw in draws)]
    rows = [[seconds_per_call(work, "cpu") for work in works] for _ in range(rounds + 1)]
    bare, *times = zip(*rows[1:], strict=True)  # the first round warms up
    return bare, times, seen.flops


if __name__ == "__main__":
    main()
