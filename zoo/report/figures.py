"""The figures by name: what each shows, and how it was made; in words for those who cannot see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from markupsafe import escape
from matplotlib.figure import Figure

from zoo.errors import UsageError
from zoo.polymer import closest_contact
from zoo.report.calls import plot_calls, walks
from zoo.report.chains import OVERLAP, bead_width
from zoo.report.curves import losses, plot_losses
from zoo.report.gallery import gallery, plot_gallery
from zoo.report.histograms import OBSERVABLES, histograms, plot_histograms, shown, verdict
from zoo.report.records import Board
from zoo.report.scatter import COSTS, plot_scatter, points
from zoo.report.style import as_image
from zoo.specs import HEADLINE
from zoo.wording import counted, did_you_mean


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its words.

    Args:
        name: One of `zoo.report.FIGURE_NAMES`.
        title: Its heading.
        caption: What it shows and how it was made.
        alt: The same for those who cannot see it: what there is to be read off.
        figure: The figure.
        section: Where `docs/numbers.md` says how its numbers are made; empty where nowhere.
    """

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure
    section: str = ""

    def _repr_html_(self) -> str:
        image = f'<img src="{as_image(self.figure)}" alt="{escape(self.alt)}">'
        return f"<figure>{image}<figcaption>{escape(self.caption)}</figcaption></figure>"


def draw(board: Board, name: str) -> Picture | None:
    """Draw one figure of a board.

    Args:
        board: The board.
        name: One of `zoo.report.FIGURE_NAMES`.

    Returns:
        The figure; `None` if the board has nothing to show in it.

    Raises:
        UsageError: If there is no such figure.
    """
    if name not in _DRAW:
        near = did_you_mean(name, _DRAW)
        raise UsageError(f"no figure {name!r}.{near} There are: {', '.join(_DRAW)}.")
    return _DRAW[name](board)


def _fidelity(board: Board) -> Picture | None:
    costs = [cost for cost in COSTS if points(board, cost)]
    if not costs:
        return None
    front = {c: [point.entry.name for point in points(board, c) if point.front] for c in costs}
    said = [f"On the front of {COSTS[c]}: {', '.join(names)}." for c, names in front.items()]
    count = counted(len(points(board, costs[0])), "line")
    return Picture(
        "fidelity",
        "Distance against time",
        "Each point is a line: its mean Rg W1 with the 95% interval, against what a conformation "
        "costs. A number is a rank: one more than the lines that are better beyond doubt; the "
        "dotted front, in bold, joins lines that no other beats in both; open grey points are "
        "references; the shaded band holds 95% of single true sets. Where lines are many, letters "
        "stand for them.",
        f"Scatter plot of {count} on two logarithmic axes. " + " ".join(said),
        plot_scatter(board, costs),
        "Times",
    )


def _calls(board: Board) -> Picture | None:
    found = walks(board)
    if not found:
        return None
    said = [
        f"{model} with {name}: "
        + ", ".join(f"{shown(line[HEADLINE])} at {line['nfe']:.0f} calls" for line in lines)
        for model, own in found.items()
        for name, lines in own.items()
    ]
    return Picture(
        "calls",
        "Distance against network calls",
        "Mean Rg W1 with its 95% interval against network calls per conformation, one panel for "
        "each model and one curve for each sampler; the shaded band is the floor's.",
        "Curves on two logarithmic axes. " + "; ".join(said) + ".",
        plot_calls(found),
        "Network calls",
    )


_TITLES = {
    "rg": "Radius of gyration",
    "bonds": "Bond lengths",
    "ree": "End-to-end distance",
    "energy": "Energy",
}


def _distribution(name: str, board: Board) -> Picture | None:
    found = histograms(board, name)
    if not found:
        return None
    said = [f"{entry.name}: {verdict(entry, OBSERVABLES[name])}" for entry, _ in found]
    return Picture(
        name,
        _TITLES[name],
        "Blue: what each line drew, all seeds together. Grey: all true conformations kept. "
        "Shaded: where 95% of a perfect model's bars would lie, given as many conformations. All "
        "panels share their axes; the highest spikes are cut.",
        f"{counted(len(found), 'histogram')} of the {OBSERVABLES[name].label} over the truth's. "
        + "; ".join(said)
        + ".",
        plot_histograms(found, name),
        "Metrics",
    )


def _gallery(board: Board) -> Picture | None:
    found = gallery(board)
    if not found:
        return None
    true = board.truth.conformations if board.truth else found[0][1]
    width = bead_width(true)
    share = float((closest_contact(true) < OVERLAP * width).float().mean())
    return Picture(
        "gallery",
        "Chains",
        "The first conformations of each set, none of them picked, each turned so that its long "
        "axis lies flat; all is to scale. Models are given the same random numbers, so a column "
        f"may hold similar chains. Orange beads overlap (closer than {OVERLAP * width:.2g} σ "
        f"without a bond), as some do in {100 * share:.2g}% of all true conformations kept.",
        "Rows of chains drawn as beads and bonds: " + ", ".join(name for name, _ in found) + ".",
        plot_gallery(found, width),
        "The data",
    )


def _training(board: Board) -> Picture | None:
    found = losses(board)
    if not found:
        return None
    firsts = {model: next(iter(seeds.values())) for model, seeds in found.items()}
    said = [f"{model}: from {one[0]:.4g} to {one[-1]:.4g}" for model, one in firsts.items()]
    return Picture(
        "training",
        "Training",
        "Mean loss of each epoch, one curve for each seed. Losses of different models have no "
        "common scale.",
        "Curves of the loss over epochs, for the first seed: " + "; ".join(said) + ".",
        plot_losses(found),
        "Budgets",
    )


_DRAW: dict[str, Callable[[Board], Picture | None]] = {
    "fidelity": _fidelity,
    **{name: partial(_distribution, name) for name in OBSERVABLES},
    "gallery": _gallery,
    "calls": _calls,
    "training": _training,
}
