"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.board import FORMATS
from zoo.cli import values
from zoo.harness.settings import PRESETS

DATASET = "bead-spring"
"""What is learned where nothing is said."""


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """What to learn."""
    parser.add_argument("--dataset", default=DATASET, metavar="D", help="what to learn")


def add_preset(parser: argparse.ArgumentParser) -> None:
    """How much to spend."""
    parser.add_argument(
        "--preset", choices=tuple(PRESETS), default="standard", help="budget (default: standard)"
    )


def add_budget(parser: argparse.ArgumentParser) -> None:
    """How much to spend, with limits, the device and the folder of results."""
    add_preset(parser)
    limits = parser.add_argument_group("limits of every training, and of every other step")
    limits.add_argument(
        "--timeout", type=values.seconds, metavar="S",
        help="end it after so many seconds (default: 3600)",
    )  # fmt: skip
    limits.add_argument(
        "--memory", type=values.gigabytes, metavar="GB",
        help="end it when its processes hold more (default: no limit)",
    )  # fmt: skip
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_out(parser)


def add_out(parser: argparse.ArgumentParser) -> None:
    """The folder of results."""
    parser.add_argument(
        "--out", type=Path, default=Path("zoo-results"), metavar="DIR",
        help="where results are kept (default: zoo-results)",
    )  # fmt: skip


def add_offline(parser: argparse.ArgumentParser) -> None:
    """A promise to leave the network alone."""
    parser.add_argument(
        "--offline", action="store_true", help="download nothing; the same as ZOO_OFFLINE=1"
    )


def add_results(parser: argparse.ArgumentParser, count: str) -> None:
    """What a run has left: folders or files of it."""
    parser.add_argument(
        "results", nargs=count, type=Path, default=Path("zoo-results"), metavar="RUN",
        help="results folder (default: zoo-results), or a file of sample, latent or guide",
    )  # fmt: skip


def add_format(parser: argparse.ArgumentParser) -> None:
    """How a table is printed."""
    parser.add_argument("--format", choices=FORMATS, default="table")
