"""How figures look: one set of colours, light and dark, and the ways to write a figure down."""

from __future__ import annotations

import io
import re
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1d2329"
MUTED = "#5c6670"
GRID = "#dfe3e7"
PAPER = "#fefefe"
TRUTH = "#c9ced4"
BAND = "#e9dcb8"
DRAWN = "#0066ac"
WARNING = "#c04a00"
SERIES = (DRAWN, "#b8500a", "#00785a", "#a03f7c", "#7d6200", "#5a49b4", "#47525d")
"""Colours that can be told apart with any common colour blindness, and by their darkness."""

DARK = MappingProxyType(
    {
        INK: "#e6e9ec",
        MUTED: "#a3adb7",
        GRID: "#333b43",
        PAPER: "#14181c",
        TRUTH: "#4a535c",
        BAND: "#4a4127",
        WARNING: "#ff9a5c",
        **dict(
            zip(
                SERIES,
                ("#58b4f0", "#f2935a", "#3fcfa5", "#e59bca", "#dcb940", "#aa9ef5", "#b4bec8"),
                strict=True,
            )
        ),
    }
)
"""What stands for each colour on a dark page."""

MARKERS = "osD^vPX<>*hpd8"

_NUMBERS = re.compile(r' (?:d|x|y|transform)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")
"""A hundredth of a point is finer than any screen, and a third of the weight."""

_SETTINGS: Any = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "figure.dpi": 100,
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.color": MUTED,
    "ytick.labelsize": 8,
}


WIDTH = 7.4
"""Width of every figure, in inches."""


def small_multiples(
    count: int, columns: int, height: float, labels: tuple[str, str]
) -> tuple[Figure, list[Axes]]:
    """A figure of small panels in rows, with room for two lines of title above each.

    Args:
        count: How many panels.
        columns: How many stand beside one another at most.
        height: Height of a panel with its title, in inches.
        labels: What lies along the horizontal and the vertical axis of all panels.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    tall = rows * height + 0.55
    figure = Figure(figsize=(WIDTH, tall))
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.5 / WIDTH, right=1 - 0.15 / WIDTH, bottom=0.5 / tall, top=1 - 0.45 / tall,
        wspace=0.07, hspace=0.5 / (height - 0.5),
    )  # fmt: skip
    figure.supxlabel(labels[0], fontsize=9, y=0.06 / tall, va="bottom")
    figure.supylabel(labels[1], fontsize=9, x=0.06 / WIDTH, ha="left")
    panels = list(grid.flat)
    for panel in panels[count:]:
        panel.set_visible(False)
    return figure, panels[:count]


def shortened(text: str, most: int) -> str:
    """A text without its middle if it is longer than there is room for.

    Example:
        >>> shortened("ddpm[epochs=300] · ode", 13)
        'ddpm[e… · ode'
    """
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


@contextmanager
def style() -> Iterator[None]:
    """Draw in the zoo's style, and leave everybody else's as it was.

    A name is never taken for mathematics, and one in a script that no font has is no fault.
    """
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def write_figure(figure: Figure, form: str, *, paper: str = "white") -> bytes:
    """A figure as a file's content, the same bytes every time.

    Args:
        figure: The figure.
        form: One of `zoo.report.FIGURE_FORMATS`.
        paper: Colour behind it; `none` for none.
    """
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[form]
    buffer = io.BytesIO()
    with style(), mpl.rc_context({"svg.hashsalt": "zoo"}):
        figure.savefig(buffer, format=form, facecolor=paper, metadata=metadata)
    return buffer.getvalue()


def as_image(figure: Figure) -> str:
    """A figure as a `data:` address of an SVG that is light or dark as the page around it is.

    Used as an image, it can run nothing, load nothing, and lends the page neither names nor style.
    """
    svg = write_figure(figure, "svg", paper="none").decode()
    return f"data:image/svg+xml;base64,{b64encode(themed(svg).encode()).decode()}"


def themed(svg: str) -> str:
    """An SVG, made light in weight, whose colours follow the theme of whoever looks at it.

    Args:
        svg: From `write_figure`.
    """
    svg = _NUMBERS.sub(lambda found: _LONG.sub(r"\1", found[0]), svg)
    names = {light: f"--c{number}" for number, light in enumerate(DARK)}
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}\b", lambda found: _variable(found[0], names), svg)
    light, dark = (
        "".join(f"{names[color]}:{value};" for color, value in theme.items())
        for theme in ({color: color for color in DARK}, DARK)
    )
    rules = f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    head, tag, body = svg.partition("<defs>")
    return f"{head}<style>{rules}</style>{tag}{body}"


def _variable(color: str, names: dict[str, str]) -> str:
    return f"var({names[color]})" if color in names else color
