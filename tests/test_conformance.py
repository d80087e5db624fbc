"""Every plugin that ships with the zoo keeps to what is asked of any plugin."""

from __future__ import annotations

from zoo.conformance import Case, parametrize_with_checks


@parametrize_with_checks("polymer-zoo")
def test_first_party_plugins_conform(case: Case) -> None:
    """All checks hold, or say why they do not apply."""
    case()
