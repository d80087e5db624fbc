"""What this package brings keeps the zoo's contract."""

from __future__ import annotations

from zoo.conformance import Case, parametrize_with_checks


@parametrize_with_checks("diffusers-ddpm", "diffusers-ddim", "diffusers-dpmpp")
def test_conformance(case: Case) -> None:
    """The case holds."""
    case()
