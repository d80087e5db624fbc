"""What a plane of latent numbers knows of compactness, and what a descent of Rg in it gives.

    python -m benchmarks.latent                     # six trainings, minutes on two cores

Each column is `zoo latent MODEL --dataset DATASET --preset PRESET`: what the chain at the end of
its descent is like, and the most compact one of the decoded grid, beside the training set.
`dmol` is downloaded unless the folder that `ZOO_CACHE` names holds it. The table goes to
`benchmarks/results/latent.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tabulate import tabulate
from torch import Tensor

from zoo.cli import main as zoo
from zoo.harness.latent import explained
from zoo.harness.machine import describe
from zoo.polymer import bond_lengths, closest_contact
from zoo.registry import discover

KEPT = Path(__file__).parent / "results" / "latent.md"
RARE = 0.001
"""Share of the training conformations that is left out at an end of what they show."""


class Look(NamedTuple):
    """One command: a model, a dataset and a preset."""

    model: str
    dataset: str
    preset: str

    @property
    def words(self) -> list[str]:
        """What comes after `zoo`."""
        return ["latent", self.model, "--dataset", self.dataset, "--preset", self.preset]


MODELS = ("lecture-vae", "vae", "vae[coordinates=aligned]")
LOOKS = tuple(
    Look(model, dataset, preset)
    for dataset, preset in (("bead-spring", "standard"), ("dmol", "full"))
    for model in MODELS
)


def main() -> None:
    """Run what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("zoo-results") / "latent")
    parser.add_argument("--write", type=Path, default=KEPT)
    asked = parser.parse_args()
    columns = [described(look, asked.out) for look in LOOKS]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    table = tabulate(rows[1:], rows[0], "pipe", disable_numparse=True)
    machine = describe()
    made = (
        "`python -m benchmarks.latent`, the first training of each; "
        f"{machine.label}, torch {torch.__version__}."
    )
    asked.write.write_text(f"# Latent planes\n\n{made}\n\n{table}\n", "utf-8")
    print(table)


def described(look: Look, out: Path) -> dict[str, str]:
    """A column of the table: what `zoo latent` kept, and two chains beside true ones."""
    seen = explore(look, out)
    train = discover(first_party_only=True).find("dataset", look.dataset).build().split()[0]
    codes, rg = torch.from_numpy(seen["train_codes"]), torch.from_numpy(seen["train_rg"])
    return {
        "": f"`{look.model}`",
        "dataset, preset": f"{look.dataset}, {look.preset}",
        "variance of Rg that a quadratic function of the codes explains": (
            f"{100 * max(explained(codes, rg), 0):.0f}%"
        ),
        **chain("descent's end", seen, "descent", -1),
        **chain("most compact", seen, "grid", int(seen["grid_rg"].argmin())),
        "training set: Rg": span(rg),
        "training set: bonds": most(bond_lengths(train)),
        "training set: closest contact": most(closest_contact(train)),
        "training set: energy [kT]": most(torch.from_numpy(seen["train_energy"]))
        if "train_energy" in seen
        else "–",
    }


def chain(title: str, seen: Mapping[str, NDArray[Any]], way: str, place: int) -> dict[str, str]:
    """What a decoded chain is like.

    Args:
        title: What it is called in the table.
        seen: What `zoo latent` keeps.
        way: Where it was met: `grid`, `between` or `descent`.
        place: Its number there.
    """
    x = torch.from_numpy(seen[f"{way}_conformations"][place])[None]
    code, rg = seen[f"{way}_codes"][place], seen[f"{way}_rg"][place]
    energy = seen.get(f"{way}_energy")
    return {
        f"{title}: distance of its code from 0": f"{np.linalg.norm(code):.1f}",
        f"{title}: Rg": f"{rg:.2f}",
        f"{title}: training conformations below": f"{100 * np.mean(seen['train_rg'] < rg):.3g}%",
        f"{title}: bonds": span(bond_lengths(x)),
        f"{title}: closest contact": f"{float(closest_contact(x)):.2f}",
        f"{title}: energy [kT]": "–" if energy is None else f"{energy[place]:.3g}",
    }


def explore(look: Look, out: Path) -> Mapping[str, NDArray[Any]]:
    """Everything that `zoo latent` keeps in a file.

    Raises:
        SystemExit: If the command fails; it has said why.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "latent.npz"
        with contextlib.redirect_stdout(io.StringIO()):
            status = zoo([*look.words, "--out", str(out), "--output", str(file)])
        if status:
            raise SystemExit(status)
        with np.load(file) as kept:
            return dict(kept)


def span(values: Tensor) -> str:
    """Least and greatest.

    Example:
        >>> span(torch.tensor([3.0, 1.0, 2.0]))
        '1.00 … 3.00'
    """
    return f"{values.min():.2f} … {values.max():.2f}"


def most(values: Tensor) -> str:
    """What all but a thousandth of values lie within, at either end.

    Example:
        >>> most(torch.linspace(0, 1, 1001))
        '0.00 … 1.00'
    """
    low, high = np.quantile(values.numpy(), [RARE, 1 - RARE])
    return f"{low:.2f} … {high:.2f}"


if __name__ == "__main__":
    main()
