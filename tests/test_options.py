"""Laws of options: what is written can be read, and what a factory cannot take is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import UsageError
from zoo.registry.options import check_options, parse, parse_sweep, write

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["None", "True", "if", "rk4", "ﬁ", "a]b", "x,y=1", "'", "\ud800"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=6
)
keys = st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True).filter(lambda key: not iskeyword(key))


@given(st.dictionaries(keys, values))
def test_a_label_reads_back_as_what_it_was_written_from(options: dict[str, Any]) -> None:
    """`parse` undoes `write`, to the type of every value, and the text is one of a kind."""
    pairs = tuple(sorted(options.items()))
    name, read = parse(write("dist/ode", pairs))
    assert (name, repr(read)) == ("dist/ode", repr(pairs))
    assert write(name, read) == write("dist/ode", pairs)


@given(st.text())
def test_any_text_is_read_or_refused(body: str) -> None:
    """No text makes the reader fail in another way than by saying that it cannot read it."""
    try:
        _, options = parse(f"ode[{body}]")
    except UsageError:
        return
    assert parse(write("ode", options)) == ("ode", options)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ode", {}),
        ("ode[]", {}),
        ("ode[method=rk4, steps=20,]", {"method": "rk4", "steps": 20}),
        (
            "ode[a=-1.5,b=(64, 64),c=None,d='x y']",
            {"a": -1.5, "b": (64, 64), "c": None, "d": "x y"},
        ),
        ("ode[a=[x,'y'],b=true]", {"a": ["x", "y"], "b": "true"}),
        ("ode[slice='0:300]']", {"slice": "0:300]"}),
    ],
)
def test_shells_need_few_quotes(text: str, options: dict[str, Any]) -> None:
    """Literals are read as Python reads them, and plain words as themselves."""
    assert dict(parse(text)[1]) == options


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("steps", "no list of key=value"),
        ("steps=", "no list of key=value"),
        ("steps=1)(x=2", "no list of key=value"),
        ("steps=1) + f(x=2", "no list of key=value"),
        ("steps=1 # x", "no list of key=value"),
        ("(" * 5000, "no list of key=value"),
        ("**{}", "is no new key=value"),
        ("steps=1,steps=2", "'steps=2' is no new key=value"),
        ("steps=(1|2, 3)", "'1 | 2' has a '|' that is not between whole values"),
        ("steps=10|", "no list of key=value"),
        ("steps=1|1+1", "'1 + 1' is no value"),
        ("steps=" + "+".join("1" * 900), "what is nested so deeply is no value"),
        ("steps=1+1", "'1 + 1' is no value"),
        ("path=data/x.npz", "'data / x.npz' is no value"),
        ("steps=open('x')", "is no value"),
        ("steps=1e999", "is no value"),
        ("steps=-True", "is no value"),
        ("steps=1j", "is no value"),
        ("steps=f'{x}'", "is no value"),
    ],
)
def test_what_is_no_value_is_said_to_be_none(body: str, why: str) -> None:
    """Nothing is evaluated; the message names the offending piece and shows how to write it."""
    with pytest.raises(UsageError, match="Expected name") as caught:
        parse(f"ode[{body}]")
    assert why in str(caught.value)


@given(st.dictionaries(keys, st.lists(values, min_size=1, max_size=4), max_size=3))
def test_a_sweep_is_the_product_of_its_values(options: dict[str, list[Any]]) -> None:
    """Each combination once and no other, in the order of the product, whatever is in the texts."""
    body = ",".join(
        f"{key}={'|'.join(write('', (('x', one),))[3:-1] for one in own)}"
        for key, own in options.items()
    )
    name, sweep = parse_sweep(f"dist/ode[{body}]")
    expected = [
        write("dist/ode", tuple(sorted(zip(options, combination, strict=True))))
        for combination in itertools.product(*options.values())
    ]
    assert [write(name, one) for one in sweep] == list(dict.fromkeys(expected))


@given(st.dictionaries(keys, values), st.booleans())
def test_what_is_no_sweep_is_read_as_ever(options: dict[str, Any], brackets: bool) -> None:
    """One request in, the same one out; a bar within a text makes no sweep."""
    text = write("ode", tuple(sorted(options.items()))) + "[]" * (brackets and not options)
    name, sweep = parse_sweep(text)
    assert (name, *sweep) == parse(text)


@given(st.text(alphabet="ab|=,[]()'1-.# x", max_size=40))
def test_any_sweep_is_read_or_refused(body: str) -> None:
    """What is made of its characters is read, to the last combination, or said to be unreadable."""
    try:
        name, sweep = parse_sweep(f"ode[{body}]")
    except UsageError:
        return
    assert sweep
    assert all(parse(write(name, one)) == (name, one) for one in sweep)


def test_one_place_takes_one_request_and_no_sweep_is_endless() -> None:
    """A sweep where one thing is meant is refused with its size, and so is one beyond measure."""
    with pytest.raises(UsageError, match=r"is a sweep of 6, and here is room for one"):
        parse("ode[steps=1|2|3,method=rk4|euler]")
    digits = "|".join("0123456789")
    with pytest.raises(UsageError, match=r"'ode' is asked for in more than 100,000 ways"):
        parse_sweep(f"ode[{','.join(f'{key}={digits}' for key in 'abcdef')}]")
    assert parse("ode[steps=1|1]") == ("ode", (("steps", 1),))


@dataclass(frozen=True)
class Ode:
    """A factory as plugins write them; its annotations are text, as in this whole module."""

    steps: int = 20
    method: Literal["rk4", "euler"] = "rk4"
    width: float = 0.5
    exact: bool = False
    sizes: tuple[int, ...] = (64, 64)
    limit: int | None = None
    names: list[str] = field(default_factory=list)


def untyped(width=1, *, depth=2):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """A factory that says nothing of types."""
    return width, depth


def puzzling(width: Nowhere = 1) -> None:  # type: ignore[name-defined] # noqa: F821
    """A factory whose annotation nobody can read."""


def needy(shape: tuple[int, int], path: str, dataset: object) -> None:
    """A factory that is given some things, and cannot do without another."""


def anything(**options: object) -> None:
    """A factory that says nothing of names."""


@pytest.mark.parametrize(
    ("factory", "request_text"),
    [
        (Ode, "ode[steps=3,method=euler,width=1,exact=True,sizes=(1,2,3),limit=None,names=[a]]"),
        (Ode, "ode[limit=3,width=0.5]"),
        (untyped, "ode[width=x,depth=[1]]"),
        (puzzling, "ode[width=x]"),
        (needy, "ode[path='x.npz']"),
        (anything, "ode[whatever=1]"),
    ],
)
def test_what_a_factory_can_take_is_let_through(
    factory: Callable[..., Any], request_text: str
) -> None:
    """An integer is a float; what is not stated is not judged."""
    check_options("sampler 'ode'", factory, parse(request_text)[1], ("shape", "dataset"))


@pytest.mark.parametrize(
    ("factory", "request_text", "message"),
    [
        (Ode, "ode[steps=x]", "sampler 'ode' got steps=x (str); expected int."),
        (Ode, "ode[steps=2.0]", "got steps=2.0 (float); expected int."),
        (Ode, "ode[steps=True]", "got steps=True (bool); expected int."),
        (Ode, "ode[width=True]", "got width=True (bool); expected float."),
        (Ode, "ode[limit=True]", "got limit=True (bool); expected int | None."),
        (Ode, "ode[exact=1]", "got exact=1 (int); expected bool."),
        (Ode, "ode[method=rk5]", "got method=rk5 (str); expected typing.Literal['rk4', 'euler']."),
        (Ode, "ode[sizes=(1,2,x)]", "got sizes=(1,2,x) (tuple); expected tuple[int, ...]."),
        (Ode, "ode[names=[a,1]]", "got names=[a,1] (list); expected list[str]."),
        (Ode, "ode[stpes=3]", "no option 'stpes'. Did you mean 'steps'? Its options: steps=20, "),
        (untyped, "ode[x=1]", "has no option 'x'. Its options: width=1, depth=2."),
        (needy, "ode", "needs the option 'path'. Write path=... in brackets."),
        (needy, "ode[shape=(1,2),path=x]", "has no option 'shape'."),
    ],
)
def test_what_a_factory_cannot_take_is_refused(
    factory: Callable[..., Any], request_text: str, message: str
) -> None:
    """The message says what was got, what was expected or exists, before anything is built."""
    with pytest.raises(UsageError) as caught:
        check_options("sampler 'ode'", factory, parse(request_text)[1], ("shape", "dataset"))
    assert message in str(caught.value)
