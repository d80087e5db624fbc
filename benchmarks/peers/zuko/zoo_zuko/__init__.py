"""The flows of zuko, as models of the zoo.

The menu is here and costs no torch; the models are in `flows`. Only the zoo's discovery comes in.
"""

from __future__ import annotations

from collections.abc import Iterator

import zoo

__all__ = ["zoo_models"]


@zoo.hookimpl
def zoo_models() -> Iterator[zoo.ModelSpec]:
    """Three flows, all with a density."""
    yield _flow("zuko-nsf", "NSF", "zuko's autoregressive neural spline flow")
    yield _flow("zuko-maf", "MAF", "zuko's masked autoregressive flow")
    yield _flow("zuko-cnf", "CNF", "zuko's continuous flow by likelihood, small, 20 passes")


def _flow(name: str, factory: str, summary: str) -> zoo.ModelSpec:
    return zoo.ModelSpec(
        api=1,
        name=name,
        factory=f"zoo_zuko.flows:{factory}",
        summary=summary,
        offers={"draw", "log_prob"},
    )
