"""What a number depends on: which plugin, which data, which code of ours, which libraries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import zoo
from zoo.errors import PluginError
from zoo.registry import Choice, Listing
from zoo.registry.factories import find_place, hash_place

T = TypeVar("T")


_MOMENT: ContextVar[dict[Hashable, Any] | None] = ContextVar("moment", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """Within this, what keys depend on is looked up once: for many keys that belong together.

    Files may change from one moment to the next, and a key that is asked for later must show it.
    """
    known = _MOMENT.get()
    token = _MOMENT.set({} if known is None else known)
    try:
        yield
    finally:
        _MOMENT.reset(token)


def _once(name: Hashable, find: Callable[[], T]) -> T:
    """What is found under a name, in one moment once."""
    known = _MOMENT.get()
    if known is None:
        return find()
    if name not in known:
        known[name] = find()
    found: T = known[name]
    return found


def identify(choice: Choice) -> dict[str, Any]:
    """What makes a chosen plugin the one it is: package, version, source and options.

    An option that names a file stands for what is in it: the same path may hold other data
    tomorrow.
    """
    found = {
        "plugin": choice.listing.qualified,
        "version": choice.listing.plugin.version,
        "source": _once(
            (choice.listing.spec.kind, choice.listing.qualified),
            partial(_source_of, choice.listing),
        ),
        "options": dict(choice.options),
    }
    files = {name: _content(value) for name, value in choice.options if _is_file(value)}
    return found | ({"files": files} if files else {})


def _source_of(listing: Listing) -> str:
    """Digest of the code beside a factory."""
    try:
        place = find_place(listing)
        return _once(place, partial(hash_place, place))
    except (PluginError, OSError):
        return ""  # its import will fail as well, in the child, which says so


def _is_file(value: object) -> TypeGuard[str]:
    """Whether an option is the path of a file; a word without a dot is a word."""
    return isinstance(value, str) and "." in value and Path(value).is_file()


def _content(path: str) -> str:
    """SHA-256 of a file, computed again only if the file has been touched."""
    about = Path(path).stat()
    return _digest_of(str(Path(path).resolve()), about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=64)
def _digest_of(path: str, _touched: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@one_moment()
def code_of(metrics: tuple[Choice, ...]) -> list[Any]:
    """All code but a model's and a sampler's that a row's numbers depend on."""
    stages = [own_source(stage) for stage in ("train", "density", "sample", "score")]
    return [stages, versions(), [identify(metric) for metric in metrics]]


def versions() -> dict[str, str]:
    """Versions of the libraries that compute."""
    names = ("numpy", "scipy", "torch", "torchdiffeq")
    return _once("versions", lambda: {name: version(name) for name in names})


_SHARED_SOURCE = ("contracts.py", "polymer/*.py", "generative/*.py", "harness/data.py")
_STAGE_SOURCE = {
    "data": (),
    "train": ("harness/training.py", "harness/checkpoint.py"),
    "density": ("harness/training.py", "harness/density.py"),
    "sample": (
        *("harness/training.py", "harness/sampling.py", "harness/compiled.py"),
        *("harness/density.py", "harness/film.py"),
    ),
    "steer": ("harness/training.py", "harness/sampling.py", "harness/steering.py"),
    "windows": ("harness/guidance.py",),
    "hit": ("harness/scoring.py", "harness/guidance.py"),
    "latent": ("harness/training.py", "harness/latent.py"),
    "score": ("harness/scoring.py",),
    "floor": ("harness/scoring.py",),
    "power": ("harness/scoring.py", "harness/power.py"),
    "time": (
        *("harness/training.py", "harness/sampling.py", "harness/timing.py"),
        *("harness/rounds.py", "harness/load.py", "harness/clock.py", "harness/compiled.py"),
    ),
}


@cache
def own_source(stage: str) -> str:
    """Digest of the zoo's own code that a stage runs."""
    root = Path(zoo.__file__).parent
    sha = hashlib.sha256()
    for pattern in (*_SHARED_SOURCE, *_STAGE_SOURCE[stage]):
        for path in sorted(root.glob(pattern)):
            sha.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()
