"""The grammar of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import zoo
from zoo.cli import check, commands, files, gates, guide, latent, new, plugins, report, values
from zoo.cli.arguments import (
    DATASET,
    add_budget,
    add_dataset,
    add_format,
    add_offline,
    add_out,
    add_preset,
    add_results,
)
from zoo.conformance.scaffold import KINDS
from zoo.harness.stages import OBSERVABLE_NAMES
from zoo.report import FIGURE_NAMES, FILE_FIGURE_NAMES


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; parsing sets `command`, the function to call."""
    parser = argparse.ArgumentParser(
        prog="zoo",
        description="A model zoo and benchmark harness for generative models of polymers.",
        epilog="A name may carry options: 'ddim[steps=20]', 'bead-spring[beads=24]'. "
        "'ddim[steps=10|20]' asks `run` for both. "
        "A model may also be a file: 'path/to/file.py:Class'.",
    )
    parser.add_argument("--version", action="version", version=f"zoo {zoo.__version__}")
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_run, _list, _show, _leaderboard, _sample, _score, _power, _compare, _verify):
        add(actions)
    for add in (_why, _report, _plot, _latent, _guide, _plugins, _check, _new):
        add(actions)
    return parser


def _run(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _command(actions, "run", commands.run, "train, draw, score, time; print the leaderboard")
    run.add_argument(
        "names", nargs="*", metavar="NAME",
        help="models to run, and datasets to run them on; 'vae[latent=2|4]' means both",
    )  # fmt: skip
    run.add_argument("--all", action="store_true", help="run every model that is not slow")
    run.add_argument(
        "--sampler", action="append", metavar="S",
        help="draw with this sampler; may be repeated (default: every one that fits)",
    )  # fmt: skip
    run.add_argument(
        "--dataset", action="append", metavar="D",
        help=f"learn this; may be repeated (default: {DATASET})",
    )  # fmt: skip
    add_budget(run)
    run.add_argument("--seeds", type=values.positive, metavar="K", help="trainings of each model")
    run.add_argument(
        "--jobs", type=values.positive, metavar="N",
        help="trainings at a time (default: one per core)",
    )  # fmt: skip
    run.add_argument(
        "--engine", default="local", metavar="E", help="what carries out the work (default: local)"
    )
    run.add_argument(
        "--compile", dest="compiled", action="store_true",
        help="have torch compile network calls of path models (takes a C++ compiler)",
    )  # fmt: skip
    run.add_argument("--no-report", action="store_true", help="write no page to look at")
    run.add_argument("--dry-run", action="store_true", help="say what would be done, and stop")
    add_format(run)


def _list(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = _command(actions, "list", commands.list_plugins, "what is installed")
    listing.add_argument("--kind", choices=commands.KINDS)
    listing.add_argument("--format", choices=("table", "json"), default="table")


def _show(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = _command(
        actions, "show", commands.show, "one plugin, or what made a line and how to again"
    )
    show.add_argument(
        "names", nargs="+", metavar="NAME",
        help="anything that is listed; or the MODEL and SAMPLER of a kept line and perhaps a SEED; "
        "or the beginning of a row's key",
    )  # fmt: skip
    add_out(show)


def _leaderboard(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    board = _command(actions, "leaderboard", commands.show_leaderboard, "print what is kept")
    add_out(board)
    add_format(board)


def _sample(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sample = _command(actions, "sample", files.sample, "draw conformations into a file")
    sample.add_argument("model", metavar="MODEL")
    sample.add_argument("--sampler", metavar="S", help="default: the first that fits")
    sample.add_argument("-n", type=values.positive, default=1_000, help="how many (default: 1000)")
    sample.add_argument(
        "--seed", type=values.natural, default=0, help="seed of training and drawing"
    )
    sample.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="FILE.npz, .npy or .xyz"
    )
    sample.add_argument(
        "--trajectory", type=values.natural, default=0, metavar="K",
        help="keep K + 1 states of each walk from noise to data as well",
    )  # fmt: skip
    sample.add_argument(
        "--target", type=values.wanted, metavar="NAME=VALUE",
        help="draw chains with a wanted radius of gyration, rg=2.0, or end-to-end distance, ree=5, "
        "in σ",
    )  # fmt: skip
    sample.add_argument(
        "--guidance", type=values.scale, metavar="S",
        help="how strongly to steer to the target (default: 1, the conditional distribution)",
    )  # fmt: skip
    add_dataset(sample)
    add_budget(sample)


def _latent(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explore = _command(actions, "latent", latent.latent, "look into a model's latent space")
    explore.add_argument("model", metavar="MODEL")
    explore.add_argument("--seed", type=values.natural, default=0, help="seed of the training")
    explore.add_argument(
        "--grid", type=values.positive, default=15, metavar="N",
        help="codes along a side (default: 15)",
    )  # fmt: skip
    explore.add_argument(
        "--descent", type=values.positive, default=300, metavar="N",
        help="steps down in Rg (default: 300)",
    )  # fmt: skip
    explore.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="keep everything in FILE.npz"
    )
    add_dataset(explore)
    add_budget(explore)


def _guide(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    aim = _command(actions, "guide", guide.guide, "hold guided draws against conditional truth")
    aim.add_argument("models", nargs="+", metavar="MODEL")
    aim.add_argument("--sampler", metavar="S", help="default: the first that fits")
    aim.add_argument("--seed", type=values.natural, default=0, help="seed of the training")
    aim.add_argument("--observable", choices=OBSERVABLE_NAMES, default="rg", help="default: rg")
    aim.add_argument(
        "--target", dest="targets", action="append", type=values.length, metavar="VALUE",
        help="value that is wanted, in σ; may be repeated (default: across the training set)",
    )  # fmt: skip
    aim.add_argument(
        "--guidance", dest="scales", action="append", type=values.scale, metavar="S",
        help="how strongly to steer; may be repeated (default: 1 and 3)",
    )  # fmt: skip
    aim.add_argument(
        "-n", type=values.positive, default=2_000, help="draws of each target (default: 2000)"
    )
    add_dataset(aim)
    add_budget(aim)
    aim.add_argument("--format", choices=("table", "json", "md"), default="table")


def _score(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    score = _command(actions, "score", files.score, "score conformations from files")
    score.add_argument(
        "files", nargs="+", type=Path, metavar="FILE",
        help="FILE.npz, .npy or .xyz of conformations (n, beads, dim), lengths in σ; with --name "
        "several, one for each training",
    )  # fmt: skip
    add_dataset(score)
    add_preset(score)
    score.add_argument("--name", metavar="NAME", help="put it on the board under this name")
    score.add_argument(
        "--seconds", type=values.seconds, metavar="S",
        help="what drawing all of them took; the board marks it as stated",
    )  # fmt: skip
    score.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="what drew them (default: cpu)"
    )
    add_out(score)
    add_format(score)


def _power(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    power = _command(actions, "power", commands.power, "the smallest defect each metric can see")
    add_dataset(power)
    add_preset(power)
    add_out(power)
    add_format(power)


def _compare(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    compare = _command(actions, "compare", gates.compare, "hold one leaderboard against another")
    compare.add_argument("base", type=Path, metavar="BASE", help="a leaderboard.csv or its folder")
    compare.add_argument("head", type=Path, metavar="HEAD", help="what is to be judged by it")
    which = compare.add_mutually_exclusive_group()
    which.add_argument(
        "--metric", action="append", metavar="M",
        help="compare this metric; may be repeated (default: rg_w1, bond_w1, ree_w1)",
    )  # fmt: skip
    which.add_argument("--all-metrics", action="store_true", help="compare every metric there is")
    add_format(compare)


def _verify(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = _command(actions, "verify", gates.verify, "compute quality again from what is kept")
    verify.add_argument("board", type=Path, metavar="BOARD", help="a leaderboard.csv")
    verify.add_argument(
        "--out", type=Path, metavar="DIR",
        help="the results it was made of (default: its own folder, or else zoo-results)",
    )  # fmt: skip
    verify.add_argument("--jobs", type=values.positive, metavar="N", help="default: one per core")


def _why(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    reason = _command(actions, "why", gates.why, "what has changed since a row was made")
    reason.add_argument(
        "names", nargs="+", metavar="NAME",
        help="the MODEL and SAMPLER of a kept line and perhaps a SEED, or the beginning of a key",
    )  # fmt: skip
    add_out(reason)


def _report(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    page = _command(actions, "report", report.report, "one page of a run, or of two compared")
    add_results(page, "*")
    page.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE.html")


def _plot(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    names = FIGURE_NAMES + FILE_FIGURE_NAMES
    plot = _command(actions, "plot", report.plot, "one figure of the page, in a file")
    plot.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    add_results(plot, "?")
    plot.add_argument("--out", type=Path, required=True, metavar="FILE", help="svg, png or pdf")
    plot.add_argument("--board", type=values.positive, default=1, metavar="N", help="of several")


def _plugins(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = _command(actions, "plugins", plugins.plugins, "plugins, sources and what is wrong")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.add_argument(
        "--requirements", action="store_true", help="print lines that pip installs again"
    )
    show = listing.add_subparsers(title="commands", metavar="show").add_parser(
        "show", help="one plugin whole, with its traceback", description="One plugin whole."
    )
    show.add_argument("name", metavar="NAME", help="a plugin or a distribution")
    show.set_defaults(command=plugins.show_plugin)


def _check(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    checking = _command(actions, "check", check.check, "see that a plugin keeps to its contract")
    checking.add_argument(
        "names", nargs="+", metavar="NAME",
        help="anything that is listed; a plugin, for all it offers; or file.py:Class",
    )  # fmt: skip
    checking.add_argument("--format", choices=("table", "json"), default="table")


def _new(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    begin = _command(actions, "new", new.new, "begin a plugin: write a package that works")
    begin.add_argument("name", metavar="NAME", help="what the plugin is to be called")
    begin.add_argument("--kind", choices=KINDS, default="model")
    begin.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="where to put it (default: here)"
    )


def _command(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary.capitalize() + ".")
    parser.set_defaults(command=command)
    plugins = parser.add_argument_group("plugins")
    plugins.add_argument(
        "-p", dest="blocked", action="append", default=[], metavar="no:NAME", type=values.blocked,
        help="do not load this plugin",
    )  # fmt: skip
    plugins.add_argument(
        "--no-plugins", action="store_true", help="load no plugin but the zoo's own"
    )
    add_offline(parser)
    return parser
