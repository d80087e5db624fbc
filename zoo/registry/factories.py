"""From a factory's text to the callable, to its source, and to a model in a lone file."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from zoo.errors import PluginError, UsageError
from zoo.registry.listing import Listing, Plugin
from zoo.registry.quiet import importing_strangers
from zoo.registry.validation import NAME
from zoo.specs import API, Factory, ModelSpec
from zoo.wording import did_you_mean, one_line

Place = tuple[Path, str]
"""A folder, and the one Python file in it that counts; empty if all do, also those below."""


def load_factory(factory: Factory) -> Callable[..., Any]:
    """Import what a spec's `factory` names.

    Args:
        factory: `"package.module:Name"`, `"path/to/file.py:Name"` or the callable itself.

    Returns:
        The callable.

    Raises:
        Exception: Whatever the import raises; see `load` for an error that names the culprit.

    Example:
        >>> load_factory("math:sqrt")(9.0)
        3.0
    """
    if callable(factory):
        return factory
    place, _, name = factory.rpartition(":")
    with importing_strangers():
        module = (
            _import_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        )
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return cast(Callable[..., Any], found)


def load(listing: Listing) -> Callable[..., Any]:
    """Import the factory of a listing.

    Raises:
        PluginError: If that fails; it names plugin, distribution, version and what happened.
    """
    with _blame(listing, "cannot be imported"):
        factory = load_factory(listing.spec.factory)
        if not callable(factory):
            raise TypeError(f"it is a {type(factory).__name__} and cannot be called")
        return factory


def source_hash(listing: Listing) -> str:
    """Digest of the source code beside a factory.

    Returns:
        SHA-256 as 64 hexadecimal digits.

    Raises:
        PluginError: If the source cannot be found.
    """
    with _blame(listing, "has no source to be found"):
        return hash_place(find_place(listing))


def find_place(listing: Listing) -> Place:
    """Where the source code beside a factory is; the module is not imported, only its parents.

    Raises:
        PluginError: If that cannot be found.
    """
    with _blame(listing, "has no source to be found"):
        return _place(listing.spec.factory)


def hash_place(place: Place) -> str:
    """Digest of all that is in a place.

    Names are relative: equal code has equal digests everywhere.

    Raises:
        OSError: If it cannot be read.
    """
    root, file = place
    files = [root / file] if file else root.rglob("*.py")
    sha = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(root).parts):
        content = path.read_bytes()
        sha.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def file_model(text: str) -> Listing:
    """A model that is not packaged at all.

    The file is imported by its path; nothing is added to `sys.path`. What the model offers is
    read off its class.

    Args:
        text: `path/to/file.py:Class`.

    Returns:
        A listing of the distribution `file`, whose version is the digest of the file.

    Raises:
        UsageError: If there is no such file or class, or the class is no model.
    """
    if not text.isprintable() or text[0] in "=+-@":  # it will be a cell of a table
        raise UsageError(
            f"{text!r} begins with =, +, - or @, or holds what cannot be printed. Write ./ before "
            "it, or rename the file."
        )
    place, _, name = text.rpartition(":")
    path = Path(place).expanduser().resolve()
    if not path.is_file():
        raise UsageError(f"no file {place!r} for the model {text!r}. Is the path right?")
    try:
        with importing_strangers():
            module = _import_file(path)
    except (Exception, SystemExit) as error:
        raise UsageError(f"importing {place!r} failed: {one_line(error)}.") from error
    spec = ModelSpec(
        api=API,
        name=name.lower(),
        factory=f"{path}:{name}",
        summary=f"{name} of {path.name}",
        offers=_offers(text, module, name),
    )
    if not NAME.fullmatch(spec.name):
        raise UsageError(f"the class name {name!r} makes no model name; begin it with a letter.")
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Listing(spec, Plugin(spec.name, "file", version, str(path)), text)


def _offers(text: str, module: ModuleType, name: str) -> frozenset[str]:
    from zoo import contracts

    models = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, contracts.Model)
        and not value.__module__.startswith("zoo.")
    }
    if name not in models and name in vars(module):
        raise UsageError(
            f"{name} of {text!r} is no zoo.Model. Make it a class derived from zoo.OneShot or "
            "zoo.Path."
        )
    if name not in models:
        there = ", ".join(sorted(models)) or "none"
        raise UsageError(
            f"no zoo.Model named {name!r} for {text!r}.{did_you_mean(name, models)} "
            f"Models in that file: {there}."
        )
    found = models[name]
    offered = {
        "draw": issubclass(found, contracts.OneShot),
        "path": issubclass(found, contracts.Path),
        "log_prob": hasattr(found, "log_prob"),
    }
    if not any(offered.values()):
        raise UsageError(
            f"no sampler can draw from {text!r}: {name} is neither a zoo.OneShot nor a zoo.Path. "
            "Make it one of them."
        )
    return frozenset(word for word, yes in offered.items() if yes)


def _import_file(path: Path) -> ModuleType:
    """Import a file under a name of its own; the same content at the same place only once."""
    path = path.resolve()
    digest = hashlib.sha256(str(path).encode() + b"\0" + path.read_bytes()).hexdigest()[:16]
    name = f"zoo_file_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _place(factory: Factory) -> Place:
    if isinstance(factory, str):
        place = factory.rpartition(":")[0]
    else:
        while isinstance(factory, functools.partial):
            factory = factory.func
        place = factory.__module__
    if place.endswith(".py"):
        return Path(place).parent, Path(place).name
    with importing_strangers():
        spec = importlib.util.find_spec(place)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise ModuleNotFoundError(f"no file holds the module {place!r}")
    origin = Path(spec.origin)
    whole = "." in place or spec.submodule_search_locations
    return origin.parent, "" if whole else origin.name


@contextlib.contextmanager
def _blame(listing: Listing, trouble: str) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        plugin, spec = listing.plugin, listing.spec
        raise PluginError(
            f"{spec.kind} {listing.label!r} of {plugin.title} {trouble}: its factory "
            f"{spec.factory!r} gave {one_line(error)}. Repair or reinstall {plugin.distribution}."
        ) from error
