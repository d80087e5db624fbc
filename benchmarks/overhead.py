"""What the harness costs: a training step against a bare loop, and a whole run.

    python -m benchmarks.overhead            # training steps, about two minutes
    python -m benchmarks.overhead --run DIR  # where the time of a finished run went

Both loops train the same model on the same data in the same process, in turn, with one
thread; the figure is the median over rounds of the ratio of their times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from zoo.contracts import Model
from zoo.harness.training import train
from zoo.polymer.chain import Chain
from zoo.registry import discover

MODELS = ("vae", "ddpm", "cfm", "nsf")
EPOCHS = 2


def main() -> None:
    """Parse the command line and print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--run", type=Path, metavar="DIR", help="results of a finished run")
    options = parser.parse_args()
    if options.run:
        account(options.run)
    else:
        compare(options.rounds)


def compare(rounds: int) -> None:
    """Time the harness's loop and a bare one, model by model."""
    torch.set_num_threads(1)
    x = Chain().sample(10_000)
    registry = discover(first_party_only=True)
    print(f"{'model':8} {'bare [ms/step]':>15} {'zoo [ms/step]':>15} {'ratio':>7}  (min to max)")
    for name in MODELS:
        choice = registry.find("model", name)
        ours: list[float] = []
        bare: list[float] = []
        for number in range(rounds + 1):
            order: list[tuple[list[float], Callable[[Model, Tensor], None]]]
            order = [(ours, lambda m, x: _discard(train(m, x, EPOCHS))), (bare, bare_loop)]
            for times, loop in order if number % 2 else reversed(order):
                torch.manual_seed(number)
                seconds = _time(loop, choice.build((12, 2)), x)
                if number:  # the first round warms up
                    times.append(seconds)
        steps = EPOCHS * (len(x) // 256)
        ratios = sorted(a / b for a, b in zip(ours, bare, strict=True))
        print(
            f"{name:8} {statistics.median(bare) / steps * 1e3:15.2f} "
            f"{statistics.median(ours) / steps * 1e3:15.2f} {statistics.median(ratios):7.3f}  "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


def bare_loop(model: Model, x: Tensor) -> None:
    """What one would write by hand."""
    model.fit(x)
    recipe = model.recipe
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for step in range(len(x) // recipe.batch_size):
            batch = x[order[step * recipe.batch_size : (step + 1) * recipe.batch_size]]
            optimizer.zero_grad()
            model.loss(batch).backward()  # type: ignore[operator]
            optimizer.step()


def account(folder: Path) -> None:
    """Print what the stages of a run took, and what the harness added around the work."""
    worked: dict[str, float] = {}
    spent: dict[str, float] = {}
    for path in folder.glob("*/*/result.json"):
        stage, facts = path.parent.parent.name, json.loads(path.read_bytes())["facts"]
        if "stage_seconds" in facts:
            spent[stage] = spent.get(stage, 0.0) + facts["stage_seconds"]
            inner = facts.get(f"{stage}_seconds", facts["stage_seconds"])
            worked[stage] = worked.get(stage, 0.0) + inner
    total = sum(spent.values())
    print(f"{'stage':8} {'processes [s]':>14} {'work [s]':>10} {'added [s]':>10}")
    for stage, seconds in spent.items():
        added = seconds - worked[stage]
        print(f"{stage:8} {seconds:14.1f} {worked[stage]:10.1f} {added:10.1f}")
    judged = sum(spent.get(stage, 0.0) for stage in ("score", "floor"))
    print(f"floors, scores and intervals: {judged:.1f} s of {total:.1f} s, {judged / total:.1%}")
    added = total - sum(worked.values())
    print(f"added around training and drawing: {added:.1f} s of {total:.1f} s, {added / total:.1%}")


def _time(loop: Callable[[Model, Tensor], None], model: Model, x: Tensor) -> float:
    start = time.perf_counter()
    loop(model, x)
    return time.perf_counter() - start


def _discard(_losses: list[float]) -> None:
    """Both loops give nothing."""


if __name__ == "__main__":
    main()
