"""The spline couplings of normflows, as a model of the zoo.

The menu is here and costs no torch; the model is in `flow`. Only the zoo's discovery comes in.
"""

from __future__ import annotations

from collections.abc import Iterator

import zoo

__all__ = ["zoo_models"]


@zoo.hookimpl
def zoo_models() -> Iterator[zoo.ModelSpec]:
    """One flow, with a density."""
    yield zoo.ModelSpec(
        api=1,
        name="normflows-nsf",
        factory="zoo_normflows.flow:NSF",
        summary="normflows' spline couplings with linear layers between them",
        offers={"draw", "log_prob"},
    )
