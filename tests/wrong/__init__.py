"""Plugins that are right, and for each check one or more that break its law and no other.

A wrong plugin is a right one with a single thing changed. This module imports no torch, like any
plugin's menu.
"""

from __future__ import annotations

from dataclasses import replace

import zoo
from zoo.registry import Choice, Listing, Plugin
from zoo.specs import Spec

MODEL = zoo.ModelSpec(
    api=1, name="normal", factory="x:Y", summary="normal modes", offers={"draw", "log_prob"}
)
PATH = replace(MODEL, name="way", offers={"path"})
SAMPLER = zoo.SamplerSpec(api=1, name="walk", factory="x:Y", summary="steps", needs={"path"})
METRIC = zoo.MetricSpec(
    api=1, name="size", factory="x:Y", summary="Rg", unit="", best=0.0, lower_is_better=True
)
DATASET = zoo.DatasetSpec(
    api=1, name="chains", factory="x:Y", summary="chains", source="here", license="MIT",
    offers={"fresh", "energy", "log_prob"},
)  # fmt: skip
ENGINE = zoo.EngineSpec(api=1, name="here", factory="x:Y", summary="one by one")


def subject(spec: Spec, factory: str, menu: str = "tests.wrong", place: str = "") -> Choice:
    """What a registry would find; the menu is a module that imports no torch."""
    plugin = Plugin("wrong", "wrong", "1", menu)
    place = place or ("paths" if "path" in getattr(spec, "offers", ()) else f"{spec.kind}s")
    spec = replace(spec, factory=f"tests.wrong.{place}:{factory}")
    return Choice(Listing(spec, plugin, factory))


RIGHT = (
    subject(MODEL, "Normal"),
    subject(MODEL, "NeedsMany"),
    subject(PATH, "Way"),
    subject(replace(PATH, offers={"path", "log_prob"}), "Bold"),
    subject(SAMPLER, "Walk"),
    subject(replace(SAMPLER, exact=True), "Straight"),
    subject(METRIC, "Size"),
    subject(DATASET, "Chains"),
    subject(replace(DATASET, offers={"energy"}), "Frames"),
    subject(ENGINE, "Here"),
)

WRONG: tuple[tuple[str, Choice], ...] = (
    ("spec_is_valid", subject(replace(MODEL, summary=" "), "Normal")),
    ("spec_is_valid", subject(replace(MODEL, offers={"draw", "log_prob", "dance"}), "Normal")),
    ("spec_is_valid", subject(MODEL, "NotThere")),
    ("menu_imports_no_torch", subject(MODEL, "Normal", menu="tests.wrong.models")),
    ("import_changes_nothing", subject(MODEL, "Loud", place="loud")),
    ("import_changes_nothing", subject(MODEL, "Restless", place="restless")),
    ("import_changes_nothing", subject(MODEL, "Seeded", place="seeded")),
    ("builds_from_defaults", subject(MODEL, "NeedsOption")),
    ("builds_from_defaults", subject(MODEL, "gives_no_model")),
    ("never_reseeds", subject(MODEL, "ReseedsInLoss")),
    ("never_reseeds", subject(MODEL, "ReseedsAtTheEnd")),
    ("never_reseeds", subject(MODEL, "ReseedsNumPy")),
    ("leaves_settings_alone", subject(MODEL, "ChangesSettings")),
    ("leaves_settings_alone", subject(MODEL, "ChangesPrecisionAtOnce")),
    ("prints_nothing", subject(MODEL, "Talks")),
    ("settings_are_frozen", subject(SAMPLER, "Thawed")),
    ("settings_are_frozen", subject(SAMPLER, "Undecorated")),
    ("models.offers_what_it_declares", subject(replace(MODEL, offers={"draw"}), "Normal")),
    ("models.offers_what_it_declares", subject(replace(PATH, offers={"path", "log_prob"}), "Way")),
    ("can_be_trained", subject(MODEL, "VectorLoss")),
    ("can_be_trained", subject(MODEL, "LossIsNaN")),
    ("can_be_trained", subject(MODEL, "ExitsInFit")),
    ("every_parameter_is_reached", subject(MODEL, "IdleParameter")),
    ("fits_other_shapes", subject(MODEL, "TwelveBeads")),
    ("fits_other_shapes", subject(MODEL, "FourBeads")),
    ("same_seed_same_training", subject(MODEL, "RollsItsOwnDice")),
    ("models.inputs_stay_as_they_are", subject(MODEL, "CentresInPlace")),
    ("models.inputs_stay_as_they_are", subject(MODEL, "CentresAtTheEnd")),
    ("models.inputs_stay_as_they_are", subject(MODEL, "TakesItsOwnGradient")),
    ("drawing_changes_nothing", subject(MODEL, "CountsDraws")),
    ("drawing_changes_nothing", subject(MODEL, "WakesUp")),
    ("state_survives_saving", subject(MODEL, "PlainAttribute")),
    ("state_survives_deepcopy", subject(MODEL, "HoldsOnToItself")),
    ("rows_do_not_see_each_other", subject(MODEL, "MixesRows")),
    ("draws_have_the_right_shape", subject(MODEL, "Flat", place="draws")),
    ("draws_are_finite", subject(MODEL, "OneIsNaN", place="draws")),
    ("draws_keep_dtype", subject(MODEL, "Double", place="draws")),
    ("follows_its_device", subject(MODEL, "LivesOnTheCPU", place="draws")),
    ("follows_its_device", subject(MODEL, "LeavesATensorBehind", place="draws")),
    ("follows_its_device", subject(SAMPLER, "OnTheCPU")),
    ("same_seed_same_draws", subject(MODEL, "OwnStream", place="draws")),
    ("other_seed_other_draws", subject(MODEL, "FixedGenerator", place="draws")),
    ("draws_differ_from_one_another", subject(MODEL, "EachTwice", place="draws")),
    ("draws_differ_from_one_another", subject(SAMPLER, "EachTwice")),
    ("log_prob_is_finite", subject(MODEL, "ColumnOfDensities", place="draws")),
    ("log_prob_ignores_shifts", subject(MODEL, "FeelsShifts", place="draws")),
    ("densities.log_prob_is_normalised", subject(MODEL, "HalfTooMuch", place="draws")),
    ("densities.log_prob_is_normalised", subject(MODEL, "Rods", place="draws")),
    (
        "densities.log_prob_is_normalised",
        subject(replace(PATH, offers={"path", "log_prob"}), "Modest"),
    ),
    ("densities.log_prob_is_normalised", subject(MODEL, "NoLogDeterminant", place="draws")),
    ("denoise_and_velocity_agree", subject(PATH, "WrongWay")),
    ("coefficients_have_their_derivatives", subject(PATH, "WrongSlope")),
    ("noise_grows_from_none", subject(PATH, "LittleNoise")),
    ("labels_are_heard", subject(PATH, "Deaf")),
    ("noise_grows_from_none", subject(PATH, "Backwards")),
    ("model_stays_as_it_is", subject(SAMPLER, "MovesModel")),
    ("model_stays_as_it_is", subject(SAMPLER, "LeavesTraining")),
    ("exact_on_normal_data", subject(SAMPLER, "StopsHalfWay")),
    ("exact_on_normal_data", subject(SAMPLER, "TurnsBack")),
    ("exact_on_normal_data", subject(SAMPLER, "ForgetsNoise")),
    ("exact_on_normal_data", subject(SAMPLER, "StartsSmall")),
    ("exact_draws_follow_the_flow", subject(replace(SAMPLER, exact=True), "Walk")),
    ("gives_a_finite_number", subject(METRIC, "GivesTensor")),
    ("gives_a_finite_number", subject(replace(METRIC, model_needs={"test_log_prob"}), "Weighs")),
    ("gives_a_finite_number", subject(METRIC, "SecretNeed")),
    ("depends_on_nothing_else", subject(METRIC, "ThrowsDice")),
    ("depends_on_nothing_else", subject(METRIC, "WastesDice")),
    ("nan_never_scores", subject(METRIC, "DropsNaN")),
    ("metrics.inputs_stay_as_they_are", subject(METRIC, "SpoilsInput")),
    ("best_on_the_test_set", subject(METRIC, "NeverZero")),
    ("stronger_canaries_score_worse", subject(METRIC, "LikesExpansion")),
    ("stronger_canaries_score_worse", subject(METRIC, "Blind")),
    ("direction_is_as_declared", subject(METRIC, "Negative")),
    ("direction_is_as_declared", subject(replace(METRIC, lower_is_better=False), "Size")),
    ("split_is_right", subject(DATASET, "DoubleSplit")),
    ("split_is_the_same_again", subject(DATASET, "SplitsAnew")),
    ("split_is_the_same_again", subject(DATASET, "TakesFromEverybody")),
    ("split_shares_no_conformation", subject(DATASET, "Leaks")),
    ("datasets.offers_what_it_declares", subject(replace(DATASET, offers={"fresh"}), "Chains")),
    ("fresh_obeys_the_seed", subject(DATASET, "StaleFresh")),
    (
        "energy_and_density_are_finite",
        subject(replace(DATASET, offers={"energy"}), "OneEnergy"),
    ),
    ("density_is_that_of_the_energy", subject(DATASET, "OtherUnit")),
    ("energies.log_prob_is_normalised", subject(DATASET, "NoNormalisation")),
    (
        "energies.log_prob_is_normalised",
        subject(replace(DATASET, offers={"energy", "log_prob"}), "FramesWithoutNormalisation"),
    ),
    ("fresh_is_like_the_test_set", subject(DATASET, "StifferFresh")),
    ("every_job_comes_back", subject(ENGINE, "CutsShort")),
    ("failures_come_back", subject(ENGINE, "Soothes")),
    ("hosts_take_jobs", subject(ENGINE, "NoRoom")),
    ("hosts_take_jobs", subject(ENGINE, "ForgetsHosts")),
)
"""The check that each breaks, with its kind where two kinds have one of that name."""
