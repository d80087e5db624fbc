"""Figures of files that other commands write: films, latent maps, guided draws."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.errors import UsageError
from zoo.report.figures import Picture
from zoo.report.film import plot_film
from zoo.report.guided import plot_guided
from zoo.report.latent import plot_latent
from zoo.wording import one_line

_FILM = frozenset({"trajectory", "times"})
_WAYS = ("train", "grid", "between", "descent")
_LATENT = frozenset({f"{way}_codes" for way in _WAYS} | {"train_rg", "grid_conformations"})
_GUIDED = frozenset({"model", "sampler", "method", "guidance", "target", "mean", "std"})


def draw_file(path: Path) -> Picture:
    """Draw what is in a file.

    Args:
        path: Of `zoo sample --trajectory K -o FILE.npz`, `zoo latent -o FILE.npz` or
            `zoo guide --format json > FILE.json`.

    Raises:
        UsageError: If it is none of these, or cannot be read.
    """
    try:
        if path.suffix == ".json":
            return _guided(path)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in file.files}
        if set(arrays) >= _FILM:
            return _film(path.stem, arrays)
        if set(arrays) >= _LATENT:
            return _latent(path.stem, arrays)
    except FileNotFoundError:
        raise UsageError(f"there is no file {str(path)!r}.") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise UsageError(_refusal(path, "")) from None
    except (IndexError, RuntimeError) as error:
        raise UsageError(_refusal(path, f": {one_line(error)}")) from None
    raise UsageError(_refusal(path, f": it holds {', '.join(sorted(arrays)) or 'nothing'}"))


def _refusal(path: Path, why: str) -> str:
    return (
        f"{str(path)!r} has nothing to draw{why}. Expected a file of `zoo sample --trajectory`, "
        "`zoo latent -o` or `zoo guide --format json`."
    )


def _film(stem: str, arrays: dict[str, Tensor]) -> Picture:
    trajectory, times = arrays["trajectory"], arrays["times"]
    return Picture(
        "film",
        f"Noise becoming a chain: {stem}",
        "Walks from noise (t = 1) to data (t = 0), one in each row: the sampler's own states, "
        "decoded as chains, the nearest to equal steps of time. Orange beads overlap.",
        f"Strips of {times.shape[1]} frames of walks from noise to conformations.",
        plot_film(trajectory, times),
    )


def _latent(stem: str, arrays: dict[str, Tensor]) -> Picture:
    rg = arrays["train_rg"]
    return Picture(
        "latent",
        f"Latent space: {stem}",
        "Left: where training conformations lie, by their mean Rg; the straight way from the code "
        "of the most compact one to that of the most stretched, and the way of a code that seeks "
        "less Rg, ended by a dot, which may leave the frame. Right: what places decode to.",
        f"Map of the codes of {len(rg):,} training conformations with Rg from {rg.min():.3g} to "
        f"{rg.max():.3g} σ, and the decoded chains of a grid.",
        plot_latent(arrays),
    )


def _guided(path: Path) -> Picture:
    lines: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    if not lines or not all(set(line) >= _GUIDED for line in lines):
        raise ValueError("it holds no guided draws")
    said = [
        f"{line['model']} at strength {line['guidance']:g}: {line['mean']:.3g} for "
        f"{line['target']:.3g}"
        for line in lines
    ]
    return Picture(
        "guided",
        f"Guided draws: {path.stem}",
        "What was drawn against what was wanted, mean and standard deviation of each set. The line "
        "is where they agree; the grey bars are the spread of true conformations in a window "
        "around the wanted value.",
        "Means drawn for values wanted. " + "; ".join(said) + ".",
        plot_guided(lines),
    )
