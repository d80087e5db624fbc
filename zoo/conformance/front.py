"""The front for pytest; pytest is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo.conformance.case import Violation
from zoo.conformance.listing import cases
from zoo.errors import UsageError
from zoo.registry import Registry
from zoo.wording import did_you_mean

if TYPE_CHECKING:
    import pytest


def parametrize_with_checks(
    *names: str,
    expected_failures: Mapping[str, str] = {},
    registry: Registry | None = None,
) -> pytest.MarkDecorator:
    """Run a test once for each check on what is named.

    The test takes one argument, `case`, and calls it.

    Args:
        names: What `zoo check` takes, see `cases`.
        expected_failures: Names of checks that are known to fail, and why. One that passes
            nevertheless fails the test, so that the list stays true.
        registry: Where names are looked up; what is installed if `None`.

    Returns:
        A decorator for a test function.

    Raises:
        UsageError: If a name means nothing, there is nothing to check, or no check is called as
            expected.

    Example:
        >>> from zoo.conformance import Case, parametrize_with_checks
        >>> @parametrize_with_checks("direct")
        ... def test_conformance(case: Case) -> None:
        ...     case()
    """
    import pytest

    found = cases(*names, registry=registry)
    if not found:
        named = f"{', '.join(names)} offers" if names else "no name was given, which means"
        raise UsageError(f"{named} nothing to check. Name a plugin, or what one offers.")
    known = {case.name for case in found}
    for name in expected_failures:
        if name not in known:
            raise UsageError(
                f"no check of {', '.join(names)} is called {name!r}.{did_you_mean(name, known)} "
                f"There are: {', '.join(sorted(known))}."
            )
    marked = []
    for case in found:
        why = expected_failures.get(case.name)
        marks = (
            () if why is None else (pytest.mark.xfail(reason=why, strict=True, raises=Violation),)
        )
        marked.append(pytest.param(case, id=str(case), marks=marks))
    return pytest.mark.parametrize("case", marked)
