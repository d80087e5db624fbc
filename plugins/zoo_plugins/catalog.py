"""The menu of the zoo: every first-party plugin, one line each, found like anybody else's."""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import partial

import zoo

_MODELS = "zoo_plugins.models"
_SAMPLERS = "zoo_plugins.samplers"
_METRICS = "zoo_plugins.metrics"


@zoo.hookimpl
def zoo_models() -> Iterator[zoo.ModelSpec]:
    """Models, then the lecture's recipes, then reference lines."""
    yield _model("vae", "vae:VAE", "variational autoencoder, learned decoder variance", "draw")
    yield _model("ddpm", "ddpm:DDPM", "denoising diffusion, noise prediction", "path")
    latent = ("latent-ddpm", "latent:LatentDDPM", "denoising diffusion of an autoencoder's codes")
    yield _model(*latent, "path", slow=True)
    yield _model("cfm", "cfm:CFM", "conditional flow matching, straight paths", "path")
    score = ("score-sde", "score_sde:ScoreSDE", "score-based VP, VE or sub-VP SDE")
    yield _model(*score, "path", "log_prob")
    corrected = ("sde-ebm", "sde_ebm:SDEEBM", "diffusion with forces, corrected by pair energies")
    yield _model(*corrected, "draw")
    yield _model("nsf", "nsf:NSF", "spline-coupling normalizing flow", "draw", "log_prob")
    flow = ("nsf-ebm", "nsf_ebm:NSFEBM", "normalizing flow, corrected by pair energies")
    yield _model(*flow, "draw", "log_prob")
    beads = ("grow", "grow:Grow", "autoregressive growth by learned pair potentials")
    yield _model(*beads, "draw", "log_prob")
    energy = ("ebm", "ebm:EBM", "energy-based model, repulsive pair potentials, by rejection")
    yield _model(*energy, "draw", "log_prob")
    library = ("fragments", "fragments:Fragments", "halves of ebm's chains, from a library, joined")
    yield _model(*library, "draw")
    adjoint = ("cnf", "cnf:CNF", "continuous normalizing flow, trained by likelihood")
    yield _model(*adjoint, "draw", "log_prob", slow=True)
    yield _model("lecture-vae", "lecture:LectureVAE", "the VAE of a lecture course", "draw")
    yield _model(
        "lecture-ddpm", "lecture:LectureDDPM", "the DDPM of a lecture course, as published", "path"
    )
    alone = "every internal coordinate from another chain"
    yield _model("truth", "references:Truth", "fresh true conformations", "draw", reference=True)
    yield _model("shuffled", "references:Shuffled", alone, "draw", reference=True)
    yield _model("copy-train", "references:CopyTrain", "training data", "draw", reference=True)
    fitted = ("gaussian", "references:Gaussian", "a normal fitted to the coordinates")
    yield _model(*fitted, "draw", "log_prob", reference=True)


@zoo.hookimpl
def zoo_samplers() -> Iterator[zoo.SamplerSpec]:
    """One pass, then the ways along a path."""
    yield _sampler("direct", "direct:Direct", "one pass through the model", "draw", exact=True)
    yield _sampler(
        "ode", "ode:ODE", "probability-flow ODE by a torchdiffeq solver", "path", exact=True
    )
    yield _sampler("ddim", "ddim:DDIM", "deterministic denoising steps", "path")
    yield _sampler("ancestral", "ancestral:Ancestral", "stochastic denoising steps", "path")
    few = ("dpmpp", "dpmpp:DPMSolver", "DPM-Solver++(2M), second order at one call a step")
    yield _sampler(*few, "path")
    yield _sampler("adams", "adams:Adams", "Adams-Bashforth, old slopes for a new step", "path")
    yield _sampler("heun", "heun:Heun", "Heun's method at the noise levels of EDM", "path")
    yield _sampler("reverse-sde", "reverse_sde:ReverseSDE", "Euler-Maruyama, reverse SDE", "path")
    pc = ("pc", "predictor_corrector:PredictorCorrector", "reverse SDE, Langevin corrections")
    yield _sampler(*pc, "path")


@zoo.hookimpl
def zoo_metrics() -> Iterator[zoo.MetricSpec]:
    """The headline first."""
    seen, form, two, q = "observables", "structure", "twosample", "likelihood"
    yield _metric("rg_w1", f"{seen}:RgW1", "W1 distance of radii of gyration", "std")
    yield _metric("rg_ks", f"{seen}:RgKS", "Kolmogorov-Smirnov statistic of radii of gyration", "")
    yield _metric("rg_mean_error", "moments:RgMeanError", "relative error of the mean of Rg", "")
    yield _metric("rg_std_error", "moments:RgStdError", "relative error of the spread of Rg", "")
    yield _metric("bond_w1", f"{seen}:BondW1", "W1 distance of bond lengths", "σ")
    yield _metric("ree_w1", f"{seen}:EndToEndW1", "W1 distance of end-to-end distances", "std")
    yield _metric("angle_w1", f"{seen}:AngleW1", "W1 distance of turning angles", "rad")
    yield _metric("contact_w1", f"{seen}:ContactW1", "W1 distance of closest contacts", "σ")
    yield _metric("energy_w1", "energy:EnergyW1", "W1 distance of energies", "kT", 0.0, "energy")
    clash = ("clash_fraction", "energy:ClashFraction", "chains with overlapping beads", "")
    yield _metric(*clash, 0.0, "energy")
    yield _metric("contact_map", f"{form}:ContactMap", "error of contact probabilities", "")
    yield _metric("form_factor", f"{form}:FormFactor", "error of ln P(q), the scattering", "")
    yield _metric("internal_scaling", f"{form}:InternalScaling", "error of ln⟨R²(s)⟩", "")
    yield _metric("sliced_w1", f"{two}:SlicedW1", "W1 distance in random directions", "std")
    yield _metric("mmd", f"{two}:MMD", "maximum mean discrepancy of shapes", "")
    yield _metric("c2st", f"{two}:C2ST", "accuracy of a classifier, drawn or true", "", 0.5)
    more = partial(_metric, lower=False)
    yield more("memorization", "memorization:Memorization", "distance to training data", "", 1.0)
    yield more("diversity", "variety:Diversity", "distance between drawn chains", "", 1.0)
    yield more("coverage", "variety:Coverage", "true chains that have a drawn one nearby", "", None)
    yield _metric("rg_mean", "moments:RgMean", "mean radius of gyration", "σ", None, lower=None)
    p, weighted = "log_prob", partial(_metric, model_needs={"log_prob"})
    again = ("rg_reweighted", f"{q}:RgReweighted", "rg_mean with weights p/q", "σ")
    yield weighted(*again, None, p, lower=None)
    dense = partial(_metric, model_needs={"test_log_prob"})
    yield dense("test_nll", f"{q}:HeldOutNLL", "mean -ln q of test chains", "nats", None)
    yield dense("kl", f"{q}:KL", "divergence of the model from the truth", "nats", 0.0, p)
    ess = ("weight_ess", f"{q}:WeightESS", "share of draws that weights p/q leave", "")
    yield weighted(*ess, 1.0, p, lower=False)


@zoo.hookimpl
def zoo_datasets() -> Iterator[zoo.DatasetSpec]:
    """Conformations whose distribution is known exactly, then those that somebody simulated."""
    yield zoo.DatasetSpec(
        api=1,
        name="bead-spring",
        factory="zoo_plugins.datasets.bead_spring:BeadSpring",
        summary="bead-spring polymer, exact independent conformations",
        offers={"energy", "log_prob", "fresh"},
        source="drawn here by rejection and dimerization",
        license="MIT",
    )
    yield zoo.DatasetSpec(
        api=1,
        name="dmol",
        factory="zoo_plugins.datasets.dmol:Dmol",
        summary="a lecture's trajectory: 2,048 frames that drift, worth few",
        offers=set(),
        source="A. D. White, Deep Learning for Molecules and Materials, data/long_paths.npz",
        license="CC BY-NC 3.0",
    )
    yield zoo.DatasetSpec(
        api=1,
        name="file",
        factory="zoo_plugins.datasets.file:File",
        summary="your conformations: npz, npy, xyz, or what MDAnalysis reads",
        offers=set(),
        source="a file of yours",
        license="that of the file",
    )


@zoo.hookimpl
def zoo_engines() -> Iterator[zoo.EngineSpec]:
    """What carries out the work of a run."""
    yield zoo.EngineSpec(
        api=1, name="local", factory="zoo.engine:Local", summary="child processes of this machine"
    )
    yield zoo.EngineSpec(
        api=1,
        name="dask",
        factory="zoo_plugins.engines.dask_engine:Dask",
        summary="workers of Dask, of this machine or of a cluster",
    )


def _model(
    name: str,
    factory: str,
    summary: str,
    *offers: str,
    reference: bool = False,
    slow: bool = False,
) -> zoo.ModelSpec:
    return zoo.ModelSpec(
        api=1,
        name=name,
        factory=f"{_MODELS}.{factory}",
        summary=summary,
        offers=set(offers),
        reference=reference,
        needs={"fresh"} if name == "truth" else set(),
        slow=slow,
    )


def _sampler(
    name: str, factory: str, summary: str, needs: str, *, exact: bool = False
) -> zoo.SamplerSpec:
    return zoo.SamplerSpec(
        api=1,
        name=name,
        factory=f"{_SAMPLERS}.{factory}",
        summary=summary,
        needs={needs},
        exact=exact,
    )


def _metric(
    name: str,
    factory: str,
    summary: str,
    unit: str,
    best: float | None = 0.0,
    *needs: str,
    lower: bool | None = True,
    model_needs: Set[str] = frozenset(),
) -> zoo.MetricSpec:
    return zoo.MetricSpec(
        api=1,
        name=name,
        factory=f"{_METRICS}.{factory}",
        summary=summary,
        unit=unit,
        best=best,
        lower_is_better=lower,
        needs=set(needs),
        model_needs=model_needs,
    )
