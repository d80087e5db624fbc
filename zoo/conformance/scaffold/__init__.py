"""The package that `zoo new` writes: templates, and the function that fills them in.

What a plugin must obey lies next door; nothing here runs a plugin or imports torch. The
command line and the tests come in.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

import zoo
from zoo.errors import UsageError
from zoo.registry import Registry
from zoo.registry.validation import NAME
from zoo.specs import API

__all__ = ["KINDS", "first_run", "scaffold"]

_RUNS = {
    "model": "zoo run {name} truth --preset quick",
    "sampler": "zoo run cfm --sampler {name} --preset quick",
    "metric": "zoo run truth shuffled --preset quick",
    "dataset": "zoo run truth shuffled --dataset {name} --preset quick",
}

KINDS = tuple(_RUNS)
"""What a package can be made for."""

_TEMPLATES = Path(__file__).with_name("templates")


def first_run(name: str, kind: str) -> str:
    """The command that shows a new plugin on a board.

    Args:
        name: What the plugin is called on its menu.
        kind: One of `KINDS`.

    Example:
        >>> first_run("hop", "sampler")
        'zoo run cfm --sampler hop --preset quick'
    """
    return _RUNS[kind].format(name=name)


def scaffold(name: str, kind: str, folder: Path, *, registry: Registry) -> Path:
    """Write a package around one small plugin that works: typed, tested, ready to install.

    All files appear at once, or none does.

    Args:
        name: What the plugin is to be called; `zoo-` in front of it is left away.
        kind: One of `KINDS`.
        folder: Where to put the new folder.
        registry: What is installed, whose names are taken.

    Returns:
        The new folder, `folder/zoo-NAME`.

    Raises:
        UsageError: If the name cannot be used, or the folder cannot be written.

    Example:
        >>> made = scaffold("wave", "model", getfixture("tmp_path"), registry=Registry((), ()))
        >>> sorted(path.name for path in (made / "src" / "zoo_wave").iterdir())
        ['__init__.py', 'model.py', 'py.typed']
    """
    short = name.removeprefix("zoo-")
    _check(short, kind, registry)
    target = folder / f"zoo-{short}"
    if target.exists() or target.is_symlink():
        raise UsageError(f"{str(target)!r} exists. Choose another name, or move it away.")
    try:
        # Beside its place, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(prefix=".zoo-new-", dir=folder) as scratch:
            made = Path(scratch) / target.name
            for path, text in _files(kind, _values(short, kind)):
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).write_text(text, encoding="utf-8")
            made.rename(target)
    except OSError as error:
        raise UsageError(
            f"{str(target)!r} cannot be written: {error.strerror}. Choose a folder that exists "
            "and that you may write to."
        ) from error
    return target


def _check(name: str, kind: str, registry: Registry) -> None:
    """See that nothing else has the name, and that Python can live with it."""
    if not NAME.fullmatch(name) or not name[-1].isalnum():
        raise UsageError(
            f"{name!r} is no name for a {kind}; expected a lower-case letter and at most 39 more "
            "of a-z, 0-9, _ and -, the last of them a letter or a digit."
        )
    if keyword.iskeyword(_class(name)):
        raise UsageError(
            f"{name!r} would make a class {_class(name)}, a word that Python keeps for itself. "
            "Choose another name."
        )
    for listing in registry.of(kind):
        if listing.spec.name == name:
            raise UsageError(
                f"there is a {kind} {name!r} already, that of {listing.plugin.title}. "
                "Choose another name."
            )
    if importlib.util.find_spec(_package(name)) is not None:
        raise UsageError(
            f"there is a package {_package(name)!r} already, which {name!r} would hide. "
            "Choose another name, or uninstall it."
        )


def _package(name: str) -> str:
    return "zoo_" + name.replace("-", "_")


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in re.split("[-_]", name))


def _values(name: str, kind: str) -> Mapping[str, str]:
    """What stands in for the words with a dollar."""
    major, minor = map(int, zoo.__version__.split(".")[:2])
    return {
        "api": str(API),
        "at_least": f"{major}.{minor}",
        "below": f"{major}.{minor + 2}",
        "class_name": _class(name),
        "distribution": f"zoo-{name}",
        "kind": kind,
        "name": name,
        "package": _package(name),
        "run": first_run(name, kind),
    }


def _files(kind: str, values: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Path and text of every file of the package."""
    for root in (_TEMPLATES / "common", _TEMPLATES / kind):
        for source in sorted(root.rglob("*.tmpl")):
            path = str(source.relative_to(root).with_suffix(""))
            text = Template(source.read_text(encoding="utf-8")).substitute(values)
            yield Path(path.replace("PACKAGE", values["package"])), text
