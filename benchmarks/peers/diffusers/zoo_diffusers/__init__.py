"""The schedulers of diffusers, as samplers of the zoo for every path model.

The menu is here and costs no torch; the samplers are in `schedulers`. Only the zoo's discovery
comes in.
"""

from __future__ import annotations

from collections.abc import Iterator

import zoo

__all__ = ["zoo_samplers"]


@zoo.hookimpl
def zoo_samplers() -> Iterator[zoo.SamplerSpec]:
    """Three ways from noise to data."""
    yield _sampler("diffusers-ddpm", "DDPM", "DDPMScheduler of diffusers")
    yield _sampler("diffusers-ddim", "DDIM", "DDIMScheduler of diffusers")
    yield _sampler("diffusers-dpmpp", "DPMpp", "DPM-Solver++, multistep, of diffusers")


def _sampler(name: str, factory: str, summary: str) -> zoo.SamplerSpec:
    return zoo.SamplerSpec(
        api=1,
        name=name,
        factory=f"zoo_diffusers.schedulers:{factory}",
        summary=summary,
        needs={"path"},
    )
