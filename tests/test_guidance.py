"""Laws of guidance, on normal data, where conditional distributions are known exactly."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

import zoo
from tests.gaussian import GaussianPath, moments
from zoo.cli import main
from zoo.contracts import Conditional
from zoo.errors import UsageError
from zoo.generative import CosineSchedule, Schedule, StraightSchedule
from zoo.generative.guidance import (
    LOUD,
    Redirected,
    Regressor,
    classifier_free,
    classifier_guided,
)
from zoo.harness.stages import OBSERVABLE_NAMES
from zoo.harness.steering import Regression
from zoo.harness.training import train
from zoo.polymer.chain import Chain
from zoo.polymer.targets import OBSERVABLES
from zoo_plugins.models.cfm import CFM
from zoo_plugins.models.ddpm import DDPM
from zoo_plugins.models.networks import DROPPED, Label
from zoo_plugins.samplers.ode import ODE

BLUR = 0.3
WANTED = 1.5


def normal(schedule: Schedule) -> GaussianPath:
    """Independent normal coordinates; the label of a state is its first one, blurred."""
    return GaussianPath(schedule, *(m.float() for m in moments(4)))


class ExactRegressor(Regressor):
    """Knows p(y | x_t) of `normal`."""

    def __init__(self, path: GaussianPath) -> None:
        super().__init__(path.size, BLUR)
        self.path = path

    def log_prob(self, x_t: Tensor, c: zoo.Coefficients, labels: Tensor) -> Tensor:
        """By Bayes' rule for the first coordinate alone."""
        mean, var = self.path.mean[0], self.path.var[0]
        width = c.a.square() * var + c.s.square()
        expected = mean + c.a * var / width * (x_t[:, 0] - c.a * mean)
        return -(labels - expected).square() / (var * c.s.square() / width + BLUR**2) / 2


def conditional(path: GaussianPath, blur: float) -> tuple[Tensor, Tensor]:
    """Mean and variance of the coordinates, given that the first is seen at `WANTED`."""
    mean, var = path.mean.clone(), path.var.clone()
    gain = var[0] / (var[0] + blur**2)
    mean[0] += gain * (WANTED - mean[0])
    var[0] *= 1 - gain
    return mean, var


@pytest.mark.parametrize("schedule", [CosineSchedule(), StraightSchedule()], ids=repr)
def test_an_exact_regressor_leads_to_the_conditional_distribution(schedule: Schedule) -> None:
    """Mean and variance of every coordinate, wanted or not, by Bayes' rule; at a scale of 1."""
    torch.manual_seed(0)
    path = normal(schedule)
    walk = classifier_guided(path, ExactRegressor(path), WANTED, 1.0)
    x = ODE(rtol=1e-5, atol=1e-5).sample(walk, 40_000).flatten(1)
    mean, var = conditional(path, BLUR)
    assert torch.allclose(x.mean(dim=0), mean, atol=0.04)  # the cosine's noise keeps 1% of data
    assert torch.allclose(x.var(dim=0), var, rtol=0.05)


def test_both_kinds_of_guidance_are_one() -> None:
    """With everything exact, the difference of posterior means is the regressor's pull."""
    torch.manual_seed(0)
    path = normal(CosineSchedule())
    mean, var = conditional(path, BLUR)
    given = GaussianPath(path.schedule, mean, var)
    x_t = torch.randn(50, 4)
    for t in (0.1, 0.5, 0.9):
        for scale in (1.0, 3.0):
            at = torch.tensor(t)
            free = classifier_free(path, given, scale).denoise(x_t, at)
            guided = classifier_guided(path, ExactRegressor(path), WANTED, scale)
            assert torch.allclose(free, guided.denoise(x_t, at), atol=1e-4)


def test_guidance_insists_where_there_is_little_noise_only() -> None:
    """At s/a above `LOUD` a scale of 3 is a scale of 1, below it three times the way."""
    path = normal(StraightSchedule())
    given = GaussianPath(path.schedule, path.mean + 1, path.var)
    x_t, edge = torch.zeros(1, 4), LOUD / (1 + LOUD)
    for t, times in ((edge - 1e-3, 3.0), (edge + 1e-3, 1.0)):
        at = torch.tensor(t)
        moved = classifier_free(path, given, 3.0).denoise(x_t, at) - path.denoise(x_t, at)
        once = given.denoise(x_t, at) - path.denoise(x_t, at)
        assert torch.allclose(moved, times * once)


def test_a_scale_above_one_comes_nearer_to_the_target() -> None:
    """Further from the mean of all states, and narrower than the conditional distribution."""
    torch.manual_seed(0)
    path = normal(CosineSchedule())
    once, thrice = (
        ODE().sample(classifier_guided(path, ExactRegressor(path), WANTED, scale), 10_000)
        for scale in (1.0, 3.0)
    )
    assert abs(thrice[:, 0, 0].mean() - WANTED) < abs(once[:, 0, 0].mean() - WANTED)
    assert thrice[:, 0, 0].std() < 0.9 * once[:, 0, 0].std()


def test_a_regressor_learns_what_noisy_states_say() -> None:
    """Its mean log-density of labels, against that of the exact posterior, at three times."""
    torch.manual_seed(0)
    path = normal(CosineSchedule())
    states = path.mean + path.var.sqrt() * torch.randn(4_000, 4)
    regression = Regression(path, Regressor(4, BLUR, width=64, depth=2))
    train(regression, torch.cat([states, states[:, :1]], dim=1), 30)
    states = path.mean + path.var.sqrt() * torch.randn(20_000, 4)
    labels = states[:, 0] + BLUR * torch.randn(len(states))
    for t in (0.02, 0.4, 0.8):
        c = path.coefficients(torch.tensor(t))
        noisy = c.a * states + c.s * torch.randn_like(states)
        var = path.var[0] * c.s.square() / (c.a.square() * path.var[0] + c.s.square()) + BLUR**2
        with torch.no_grad():
            found = regression.regressor.log_prob(noisy, c, labels).mean()
        scaled = var / regression.regressor.std.square()  # labels are seen in standard units
        assert float(found) == pytest.approx(-0.5 - 0.5 * math.log(scaled), abs=0.03)


def test_a_regressor_is_calm_at_pure_noise() -> None:
    """The pull stays finite where a goes to 0, and what depends on the state goes with it."""
    torch.manual_seed(0)
    regressor = Regressor(4, BLUR)
    schedule, x_t = CosineSchedule(), torch.randn(50, 4)
    last = regressor.pull(x_t, schedule(torch.tensor(1.0)), WANTED)
    nearly = regressor.pull(x_t, schedule(torch.tensor(0.999)), WANTED)
    assert torch.allclose(last, nearly, atol=0.02)


def test_a_window_keeps_a_true_sample() -> None:
    """Of evenly spread values those in a window are normal around it, with the blur's spread."""
    torch.manual_seed(0)
    spread = 2 + torch.rand(400_000)
    rods = torch.stack([-spread, spread], dim=1)[:, :, None]  # Rg is half the length
    kept = OBSERVABLES["rg"].of(OBSERVABLES["rg"].window(rods, 2.5))
    error = 0.05 / math.sqrt(len(kept))
    assert float(kept.mean()) == pytest.approx(2.5, abs=4 * error)
    assert float(kept.std()) == pytest.approx(0.05, rel=0.03)
    assert len(kept) == pytest.approx(400_000 * 0.05 * math.sqrt(2 * math.pi), rel=0.02)


def test_names_of_observables_are_stated_once_more_for_the_parser() -> None:
    """It must not import torch to know them."""
    assert tuple(OBSERVABLES) == OBSERVABLE_NAMES


def test_labels_are_standard_scores_and_some_are_left_out() -> None:
    """(1, score) or (0, 0); the share that is left out is the one that is stated."""
    torch.manual_seed(0)
    x = Chain().sample(4_000)
    label = Label("rg")
    label.fit(x)
    told = label.some(x)
    left_out = told[:, 0] == 0
    assert float(left_out.float().mean()) == pytest.approx(DROPPED, abs=0.02)
    assert not told[left_out].any()
    scores = (OBSERVABLES["rg"].of(x) - label.mean) / label.std
    blurred = told[~left_out, 1] - scores[~left_out]
    assert float(blurred.std() * label.std) == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("build", [DDPM, CFM])
def test_a_model_told_nothing_is_the_unconditional_one(build: type[DDPM] | type[CFM]) -> None:
    """Labels reach the network by `given` alone, and there they matter."""
    torch.manual_seed(0)
    x = Chain().sample(600)
    model = build((12, 2), condition="rg", width=64, depth=2)
    train(model, x, 3)
    assert isinstance(model, Conditional)
    x_t, t = torch.randn(20, model.size), torch.tensor(0.3)
    with torch.no_grad():
        plain = model.denoise(x_t, t)
        silent = model.clean(x_t, t, torch.zeros(1, 2))
        low, high = (model.given(value).denoise(x_t, t) for value in (1.8, 3.2))
    assert torch.equal(plain, silent)
    assert float((low - high).abs().mean()) > 1e-3


def test_given_velocity_follows_from_the_posterior_mean() -> None:
    """A redirected path is a path: velocity and posterior mean say the same."""
    path = normal(CosineSchedule())
    walk = Redirected(path, path.denoise)
    x_t, t = torch.randn(20, 4), torch.tensor(0.4)
    assert torch.allclose(walk.velocity(x_t, t), path.velocity(x_t, t))


def test_a_model_without_labels_says_so() -> None:
    """And an observable nobody knows is refused, with those that are known."""
    with pytest.raises(UsageError, match="condition=rg"):
        DDPM((12, 2)).given(2.0)
    with pytest.raises(UsageError, match="rg, ree"):
        CFM((12, 2), condition="mass")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["sample", "vae", "--target", "rg=2"], "no way to steer"),
        (["sample", "ddpm", "--guidance", "2"], "--target rg=VALUE"),
        (["sample", "ddpm", "--target", "mass=2"], "rg=VALUE or ree=VALUE"),
        (["sample", "ddpm", "--target", "rg=-2"], "positive length"),
        (["sample", "ddpm", "--target", "rg=2", "--guidance", "nan"], "positive number"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[1:]),
)
def test_what_cannot_be_wanted(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One paragraph that says what is wrong, before anything is trained."""
    status: object
    try:
        status = main([*words, "-o", str(tmp_path / "x.npz"), "--out", str(tmp_path / "results")])
    except SystemExit as refusal:  # the parser's own
        status = refusal.code
    assert status == 2
    assert complaint in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "results").exists()


def test_guided_draws_beside_the_truth(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Both kinds, from the command line: draws of far targets differ as their targets do."""
    words = ["guide", "ddpm[condition=rg,width=64]", "cfm[width=64]", "--preset", "quick"]
    words += [
        "--dataset",
        "bead-spring[beads=4,n_train=2000,n_test=200]",
        "-n",
        "200",
        "--target",
        "0.9",
    ]
    words += ["--target", "1.2", "--guidance", "1", "--format", "json"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [line["method"] for line in lines] == ["classifier-free"] * 2 + ["classifier"] * 2
    for low, high in zip(lines[::2], lines[1::2], strict=True):
        assert low["mean"] < high["mean"]
        assert low["true_mean"] == pytest.approx(0.9, abs=0.03)
        assert {"bond_w1", "rg_w1"} <= set(low["values"]) & set(low["floors"])
        assert low["values"]["bond_w1"] > 0 < low["floors"]["bond_w1"]
