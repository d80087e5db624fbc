"""The flow matchers of torchcfm, as path models of the zoo.

The menu is here and costs no torch; the models are in `matching`. Only the zoo's discovery comes
in.
"""

from __future__ import annotations

from collections.abc import Iterator

import zoo

__all__ = ["zoo_models"]


@zoo.hookimpl
def zoo_models() -> Iterator[zoo.ModelSpec]:
    """Two ways to pair noise with data."""
    yield _model("torchcfm-icfm", "ICFM", "torchcfm's flow matching, independent pairs")
    transport = "torchcfm's flow matching, pairs by optimal transport; not for stochastic samplers"
    yield _model("torchcfm-otcfm", "OTCFM", transport)


def _model(name: str, factory: str, summary: str) -> zoo.ModelSpec:
    return zoo.ModelSpec(
        api=1,
        name=name,
        factory=f"zoo_torchcfm.matching:{factory}",
        summary=summary,
        offers={"path"},
    )
