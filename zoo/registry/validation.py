"""What is looked at before a spec is put on the menu."""

from __future__ import annotations

import dataclasses
import math
import pickle
import re
from collections.abc import Callable, Mapping, Set
from typing import Any

from zoo.specs import API, OLDEST_API, Spec

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""What a plugin, or anything on its menu, may be called."""

_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
MODULE = re.compile(_DOTTED)
_FACTORY = re.compile(rf"{_DOTTED}(?<!\.py):{_DOTTED}")  # x.py:Y would be somebody's file

_SAMPLING = frozenset({"draw", "path", "log_prob"})
_TRUTH = frozenset({"fresh", "energy", "log_prob"})
_WORDS: Mapping[tuple[str, str], Set[str]] = {
    ("model", "offers"): _SAMPLING,
    ("model", "needs"): _TRUTH,
    ("sampler", "needs"): _SAMPLING,
    ("metric", "needs"): _TRUTH - {"fresh"},
    ("metric", "model_needs"): frozenset({"log_prob", "test_log_prob"}),
    ("dataset", "offers"): _TRUTH,
}


class Refusal(Exception):  # noqa: N818 - a decision, not a fault of ours
    """Why a plugin is not taken: one sentence without its full stop."""


def accept(item: object, expected: type[Spec]) -> Spec:
    """Look at one thing that a hook yielded.

    Everything that listing, planning and pickling rely on is seen to here, once, so that a
    spec from a registry can be trusted.

    Args:
        item: What the hook yielded.
        expected: The spec that its hook is for.

    Returns:
        The spec, with its sets frozen so that it can be hashed.

    Raises:
        Refusal: If anything is wrong with it.
    """
    # A subclass could answer differently each time it is asked.
    if type(item) is not expected:
        raise Refusal(f"it yielded a {type(item).__name__}; expected zoo.{expected.__name__}")
    spec: Any = item
    if type(spec.api) is not int or not OLDEST_API <= spec.api <= API:
        raise Refusal(_other_api(spec))
    if not isinstance(spec.name, str) or not NAME.fullmatch(spec.name):
        raise Refusal(
            f"it calls a {spec.kind} {spec.name!r}; a name is a lower-case letter and at most 39 "
            "more of a-z, 0-9, _ and -"
        )
    for field in dataclasses.fields(spec):
        _check_field(spec, field)
    if spec.kind == "model" and spec.needs and not spec.reference:
        raise Refusal(
            f"its model {spec.name!r} needs {_listed(spec.needs)} of the dataset; only a reference "
            "model may need anything"
        )
    sets = {name: frozenset(getattr(spec, name)) for kind, name in _WORDS if kind == spec.kind}
    frozen: Spec = dataclasses.replace(spec, **sets)
    return frozen


def _other_api(spec: Spec) -> str:
    newer = type(spec.api) is int and spec.api > API
    has = f"{API}" if OLDEST_API == API else f"{OLDEST_API} to {API}"
    cure = "a newer polymer-zoo" if newer else "a newer release of the plugin"
    return (
        f"its {spec.kind} {spec.name!r} was written for API {spec.api!r}; this zoo has {has}, "
        f"and {cure} may help"
    )


def _check_field(spec: Any, field: dataclasses.Field[Any]) -> None:  # noqa: ANN401 - any spec
    value = getattr(spec, field.name)
    wanted, test = _FIELDS.get(str(field.type), ("", None))
    if test and not test(value):
        raise Refusal(
            f"its {spec.kind} {spec.name!r} has {field.name}={value!r}; expected {wanted}"
        )
    known = _WORDS.get((spec.kind, field.name))
    if known is not None and not value <= known:
        raise Refusal(
            f"its {spec.kind} {spec.name!r} has {field.name} {_listed(value - known)}; "
            f"there are only {_listed(known)}"
        )


def _is_factory(value: object) -> bool:
    if isinstance(value, str):
        return bool(_FACTORY.fullmatch(value))
    return callable(value) and _travels(value)


def _travels(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - what cannot be pickled says so in many ways
        return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_words(value: object) -> bool:
    return isinstance(value, Set) and all(isinstance(word, str) for word in value)


_FIELDS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "Factory": (
        '"package.module:Name" or a function or class that another process can import',
        _is_factory,
    ),
    "str": ("one line of text", _is_text),
    "float | None": ("a finite number or None", lambda x: x is None or _is_number(x)),
    "bool": ("True or False", lambda value: isinstance(value, bool)),
    "bool | None": ("True, False or None", lambda x: x is None or isinstance(x, bool)),
    "Set[str]": ("a set of words", _is_words),
}
"""What the annotations of the specs' fields ask for."""


def _listed(words: Set[str]) -> str:
    return ", ".join(sorted(words))
