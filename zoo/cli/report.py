"""`zoo report` and `zoo plot`: what a results folder holds, for people to look at."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from zoo.cli.shared import note, registry_of
from zoo.errors import StoreError, UsageError
from zoo.registry import Registry
from zoo.report import FIGURE_FORMATS, FILE_FIGURE_NAMES
from zoo.wording import one_line

DRAWN_FILES = (".npz", ".json")
"""Suffixes of files to be drawn; anything else is a run."""


def report(options: argparse.Namespace) -> int:
    """`zoo report`: a page of everything a results folder holds, or of two held together."""
    _check_target(options.out, ("html",))
    given = options.results if isinstance(options.results, list) else [options.results]
    files = [path for path in given if path.suffix in DRAWN_FILES]
    runs = [path for path in given if path not in files] or [Path("zoo-results")]
    if len(runs) > 2:
        raise UsageError(f"{len(runs)} runs; expected one, or BASE and HEAD to be compared.")
    if len(runs) == 2 and files:
        raise UsageError(f"{str(files[0])!r} has no place on a page of two runs compared.")
    if len(runs) == 1:
        write_page(runs[0], registry_of(options), options.out, files)
    else:
        _write(options.out, _comparison(*runs).encode())
    note(f"written: {options.out}, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _comparison(base: Path, head: Path) -> str:
    from zoo import boards
    from zoo.report.comparison import render_comparison

    return render_comparison(boards.compare(base, head), str(base), str(head))


def report_run(options: argparse.Namespace, registry: Registry) -> None:
    """Write the page of a run into its folder; a page that fails is no fault of the run."""
    path = options.out / "report.html"
    try:
        write_page(options.out, registry, path)
    except Exception as error:  # noqa: BLE001 - what has been measured counts, drawn or not
        note(f"no page was written, `zoo report {options.out}` says more: {one_line(error)}")
    else:
        note(f"a page to look at: {path}")


def write_page(results: Path, registry: Registry, path: Path, files: Sequence[Path] = ()) -> None:
    """Write the page of a results folder.

    Args:
        results: The folder.
        registry: What is installed.
        path: Where to write it.
        files: What other commands have written, to be drawn as well.
    """
    import torch

    from zoo.report.extras import draw_file
    from zoo.report.page import render
    from zoo.report.results import boards_in

    torch.set_num_threads(1)  # the work is small, and threads that wait for busy cores are slow
    boards = boards_in(results, registry)
    _write(path, render(boards, str(results), [draw_file(file) for file in files]).encode())


def plot(options: argparse.Namespace) -> int:
    """`zoo plot`: one figure of a board in a file."""
    from zoo.report.extras import draw_file
    from zoo.report.results import Results, boards_in
    from zoo.report.style import write_figure

    _check_target(options.out, FIGURE_FORMATS)
    if options.name in FILE_FIGURE_NAMES:
        picture = draw_file(options.results)
        if picture.name != options.name:
            raise UsageError(
                f"{str(options.results)!r} holds what the figure {picture.name!r} shows, not "
                f"{options.name!r}. Ask for that one."
            )
    else:
        results = Results(tuple(boards_in(options.results, registry_of(options))))
        picture = results.figure(options.name, options.board)
    _write(options.out, write_figure(picture.figure, options.out.suffix[1:]))
    note(f"written: {options.out}")
    return 0


def _check_target(path: Path, forms: tuple[str, ...]) -> None:
    if path.suffix[1:] not in forms or not path.parent.is_dir():
        expected = " or ".join(f"FILE.{form}" for form in forms)
        raise UsageError(
            f"cannot write {str(path)!r}: expected {expected} in a folder that exists."
        )


def _write(path: Path, data: bytes) -> None:
    from zoo.harness.whole import write_whole

    try:
        write_whole(path, data)
    except OSError as error:
        raise StoreError(f"could not write {str(path)!r}: {error.strerror}.") from None
