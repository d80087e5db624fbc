"""`name[key=value,...]`: reading it, writing it, and comparing it with a signature."""

from __future__ import annotations

import ast
import inspect
import itertools
import keyword
import math
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any

from zoo.errors import UsageError
from zoo.wording import did_you_mean

Options = tuple[tuple[str, Any], ...]
"""Options sorted by name, so that their order makes no other entry."""

MOST = 100_000
"""Combinations of values that one request may ask for."""


def parse(text: str) -> tuple[str, Options]:
    """Split a request into a name and its options.

    Values are Python literals; a plain word needs no quotes, so that a shell leaves it alone.

    Args:
        text: Such as `ode` or `ode[method=rk4,steps=20]`.

    Returns:
        The name as it stands, and the options.

    Raises:
        UsageError: If the options cannot be read, or ask for a sweep.

    Example:
        >>> parse("ode[steps=20, method=rk4]")
        ('ode', (('method', 'rk4'), ('steps', 20)))
    """
    name, sweep = parse_sweep(text)
    if len(sweep) > 1:
        raise UsageError(
            f"{text!r} is a sweep of {len(sweep):,}, and here is room for one. Write one value for "
            "each option; a '|' that is part of a text stands in quotes."
        )
    return name, sweep[0]


def parse_sweep(text: str) -> tuple[str, tuple[Options, ...]]:
    """Split a request into a name and all the options that it asks for.

    A `|` stands between values of an option; several such options span a grid, of which the last
    one changes first. In quotes it is part of a text.

    Args:
        text: As `parse` takes it, or `ode[method=rk4,steps=10|20]`.

    Returns:
        The name as it stands, and options, each once; a request that is no sweep has one.

    Raises:
        UsageError: If the options cannot be read, or make more than `MOST` combinations.

    Example:
        >>> parse_sweep("ode[steps=10|20]")
        ('ode', ((('steps', 10),), (('steps', 20),)))
    """
    name = name_in(text)
    body = text[len(name) + 1 : -1]
    values: dict[str, list[Any]] = {}
    for pair in _pairs(text, body):
        if pair.arg is None or pair.arg in values:
            raise _unreadable(text, f"{_shown(pair)} is no new key=value")
        values[pair.arg] = [_value(text, node) for node in _alternatives(pair.value)]
    if math.prod(map(len, values.values())) > MOST:
        raise UsageError(
            f"{name!r} is asked for in more than {MOST:,} ways. Give fewer values at a time."
        )
    grid = [
        tuple(sorted(zip(values, one, strict=True))) for one in itertools.product(*values.values())
    ]
    return name, tuple({write(name, options): options for options in grid}.values())


def name_in(text: str) -> str:
    """The name in a request, without its options.

    Example:
        >>> name_in("ode[steps=20]"), name_in("ode]"), name_in("[]")
        ('ode', 'ode]', '')
    """
    return text.partition("[")[0] if text.endswith("]") else text


def write(name: str, options: Options) -> str:
    """The one way to write a request; `parse` gives back what was written.

    Example:
        >>> write("ode", (("method", "rk4"), ("steps", 20), ("title", "two words")))
        "ode[method=rk4,steps=20,title='two words']"
    """
    if not options:
        return name
    return f"{name}[{','.join(f'{key}={_written(value)}' for key, value in options)}]"


def check_options(
    what: str, factory: Callable[..., Any], options: Options, reserved: Collection[str]
) -> None:
    """See that a factory takes these options.

    Types are compared where the factory states them: an integer passes for a `float`, a
    boolean never for a number.

    Args:
        what: What errors call it, such as `sampler 'ode'`.
        factory: What will be called.
        options: Names and values.
        reserved: Parameters that the zoo fills in itself.

    Raises:
        UsageError: If an option does not exist, is missing or has another type.

    Example:
        >>> def ode(steps: int = 20) -> None: ...
        >>> check_options("sampler 'ode'", ode, (("stpes", 40),), ())
        Traceback (most recent call last):
        zoo.errors.UsageError: sampler 'ode' has no option 'stpes'. Did you mean 'steps'? ...
    """
    parameters = _parameters(factory, reserved)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = {name: p for name, p in parameters.items() if p.kind not in _UNNAMED}
    menu = f"Its options: {', '.join(map(_described, named.values())) or 'none'}."
    for name, value in options:
        if name in named:
            _check_type(what, named[name], value)
        elif not open_ended:
            raise UsageError(f"{what} has no option {name!r}.{did_you_mean(name, named)} {menu}")
    given = {name for name, _ in options}
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in given:
            raise UsageError(f"{what} needs the option {name!r}. Write {name}=... in brackets.")


_UNNAMED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)


def _pairs(text: str, body: str) -> list[ast.keyword]:
    try:
        call = ast.parse(f"options({body})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        raise _unreadable(text, f"[{body}] is no list of key=value")
    return call.keywords


def _alternatives(node: ast.expr) -> list[ast.expr]:
    """The values between which there is a `|`, in order."""
    found = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def _value(text: str, node: ast.expr) -> Any:  # noqa: ANN401 - a literal may be anything
    """The value of a literal in which plain words stand for themselves."""
    match node:
        case ast.Name(id=word):
            return word
        case ast.Constant(value=None | bool() | str() | int() as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            if math.isfinite(value) and not isinstance(value, bool):
                return -value
        case ast.List(elts=items):
            return [_value(text, item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(text, item) for item in items)
        case ast.BinOp(op=ast.BitOr()):
            raise _unreadable(text, f"{_shown(node)} has a '|' that is not between whole values")
        case _:
            pass
    raise _unreadable(text, f"{_shown(node)} is no value")


def _shown(node: ast.AST) -> str:
    """A piece of a request, in quotes."""
    try:
        return repr(ast.unparse(node))
    except RecursionError:
        return "what is nested so deeply"


def _unreadable(text: str, why: str) -> UsageError:
    return UsageError(
        f"cannot read {text!r}: {why}. Expected name[key=value,...] with values such as 20, 0.5, "
        "True, None, (64, 64), rk4 or 'in quotes' if it is more than one plain word; a '|' between "
        "values asks for each."
    )


def _written(value: object) -> str:
    if isinstance(value, str):
        plain = value.isascii() and value.isidentifier() and not keyword.iskeyword(value)
        return value if plain else repr(value)
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, tuple):
        return f"({','.join(map(_written, value))}{',' * (len(value) == 1)})"
    return repr(value)


def _parameters(
    factory: Callable[..., Any], reserved: Collection[str]
) -> Mapping[str, inspect.Parameter]:
    """Parameters of a factory; one whose annotations cannot be read is taken without them."""
    try:
        signature = inspect.signature(factory, eval_str=True)
    except Exception:  # noqa: BLE001 - annotations are code, and may raise what they like
        signature = inspect.signature(factory)
    return {name: p for name, p in signature.parameters.items() if name not in reserved}


def _described(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={_written(parameter.default)}"


def _check_type(what: str, parameter: inspect.Parameter, value: object) -> None:
    hint = parameter.annotation
    if hint is parameter.empty or isinstance(hint, str):
        return
    from typeguard import (
        CollectionCheckStrategy,
        ForwardRefPolicy,
        TypeCheckError,
        check_type,
    )

    try:
        check_type(
            value,
            hint,
            forward_ref_policy=ForwardRefPolicy.IGNORE,
            collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS,
        )
        wrong = isinstance(value, bool) and not _admits_bool(hint)
    except TypeCheckError:
        wrong = True
    if wrong:
        expected = hint.__name__ if isinstance(hint, type) else str(hint)
        raise UsageError(
            f"{what} got {parameter.name}={_written(value)} ({type(value).__name__}); "
            f"expected {expected}."
        )


def _admits_bool(hint: object) -> bool:
    """Whether True is meant by a hint; to Python a boolean is also an integer."""
    if hint in (bool, object, Any) or isinstance(hint, bool):
        return True
    return any(_admits_bool(part) for part in typing.get_args(hint))
