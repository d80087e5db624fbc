"""`zoo latent`: what a latent space holds, and where gradients in it lead."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.cli.shared import budget_of, registry_of
from zoo.errors import StoreError, UsageError

Arrays = dict[str, NDArray[Any]]


def latent(options: argparse.Namespace) -> int:
    """`zoo latent MODEL`: map the latent space of a model, and walk in it."""
    from safetensors.numpy import load

    from zoo import api
    from zoo.cli.progress import ProgressDisplay
    from zoo.harness.plan import make_plan
    from zoo.harness.stages import LATENT_FILE, Explore

    _check_target(options.output)
    plan = make_plan(
        registry_of(options), [options.model], None, options.dataset, budget_of(options)
    )
    model = plan.models[0]
    with ProgressDisplay(3) as display:
        work = api.prepare(plan, options.out, options.device, 1, display)
        train = work.train(model, work.data(), options.seed)
        trained = work.demand(train, model.label)
        stage = Explore(train, trained, options.grid, options.descent)
        found = work.demand(stage, model.label)
    arrays: Arrays = load((found.folder / LATENT_FILE).read_bytes())
    title = f"{model.label} on {plan.dataset.label}, seed {options.seed}"
    sys.stdout.write(_report(title, found.facts, arrays))
    if options.output:
        _save(options.output, arrays)
        sys.stderr.write(f"zoo: codes, conformations, Rg and energies are in {options.output}\n")
    return 0


def _check_target(path: Path | None) -> None:
    if path is not None and (path.suffix != ".npz" or not path.parent.is_dir()):
        raise UsageError(f"cannot write {str(path)!r}: expected FILE.npz in a folder that exists.")


def _save(path: Path, arrays: Arrays) -> None:
    from zoo.harness.whole import write_whole

    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    try:
        write_whole(path, buffer.getvalue())
    except OSError as error:
        raise StoreError(f"could not write {str(path)!r}: {error.strerror}.") from None


def _report(title: str, facts: dict[str, Any], arrays: Arrays) -> str:
    from tabulate import tabulate

    n = len(arrays["train_rg"])
    share = f"{100 * max(facts['explained'], 0):.0f}%"
    lines = [
        _range("training conformations", "train", arrays),
        _range("decoded grid", "grid", arrays),
    ]
    lines += _steps("between two conformations", "between", arrays)
    lines += _steps("descent of Rg", "descent", arrays)
    table = tabulate(lines, "keys", "simple", disable_numparse=True)
    return (
        f"{title}: {facts['latent']} latent numbers, {n:,} training conformations\n"
        f"variance of Rg that a quadratic function of the codes explains: {share}\n\n"
        f"{table}\n\n{_verdict(arrays)}\n"
    )


def _range(what: str, name: str, arrays: Arrays) -> dict[str, str]:
    return {
        "what": what,
        "at": "all",
        "Rg [σ]": _ends(arrays[f"{name}_rg"]),
        "energy [kT]": _ends(arrays[f"{name}_energy"]) if f"{name}_energy" in arrays else "–",
        "distance of code from 0": _ends(np.linalg.norm(arrays[f"{name}_codes"], axis=1)),
    }


def _ends(values: NDArray[Any]) -> str:
    """Least, median and greatest."""
    return " … ".join(f"{q:.4g}" for q in np.quantile(values, [0, 0.5, 1]))


def _steps(what: str, name: str, arrays: Arrays) -> list[dict[str, str]]:
    """Five places on a way."""
    last = len(arrays[f"{name}_rg"]) - 1
    places = [round(last * part / 4) for part in range(5)]
    return [
        {
            "what": what,
            "at": f"{place} of {last}",
            "Rg [σ]": f"{arrays[f'{name}_rg'][place]:.4g}",
            "energy [kT]": f"{arrays[f'{name}_energy'][place]:.4g}"
            if f"{name}_energy" in arrays
            else "–",
            "distance of code from 0": f"{np.linalg.norm(arrays[f'{name}_codes'][place]):.3g}",
        }
        for place in dict.fromkeys(places)
    ]


def _verdict(arrays: Arrays) -> str:
    """Whether the end of the descent is a chain, or only low in Rg."""
    rg, least = float(arrays["descent_rg"][-1]), float(arrays["train_rg"].min())
    beyond = "below all of the training set" if rg < least else "not below the training set's least"
    start = f"The descent ends at Rg {rg:.3f} σ, {beyond} ({least:.3f} σ)"
    if "train_energy" not in arrays:
        return f"{start}; this dataset knows no energy to judge it by."
    energy = float(arrays["descent_energy"][-1])
    least_energy, bound = (float(np.quantile(arrays["train_energy"], q)) for q in (0, 0.999))
    if energy < least_energy:
        return (
            f"{start}, with an energy of {energy:.4g} kT, below all of the training set "
            f"({least_energy:.4g} kT): smoother than any chain at this temperature, as means are."
        )
    physical = energy <= bound
    words = "within what true chains have" if physical else "beyond what true chains have"
    end = "a chain that the Hamiltonian allows" if physical else "low in Rg only, no physical chain"
    return (
        f"{start}, with an energy of {energy:.4g} kT, {words} (99.9% of the training set "
        f"are below {bound:.3g} kT): {end}."
    )
