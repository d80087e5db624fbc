"""Laws of scoring: what is repeated to see the part of chance is what it says it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import zoo
from tests.conftest import Install
from zoo.harness.data import build_dataset, load_tensors, materialise, save_tensors
from zoo.harness.scoring import floor_stage, score_stage
from zoo.harness.stages import (
    DATA_FILE,
    DENSITY_FILE,
    DRAWN_FILE,
    REPLICAS_FILE,
    Floor,
    Materialise,
    Score,
)
from zoo.harness.store import Result, Store
from zoo.polymer.chain import Chain
from zoo.registry import Choice, installed
from zoo_plugins.metrics.observables import RgW1

CHAIN = Chain(beads=4)
SMALL = "bead-spring[beads=4,n_train=300,n_test=400]"

SERIES = """
    import torch, zoo
    from dataclasses import dataclass
    from scipy.signal import lfilter

    @dataclass(frozen=True)
    class Series(zoo.Dataset):
        rho: float = 0.9
        n: int = 3000
        def split(self):
            noise = torch.randn(2 * self.n, generator=torch.Generator().manual_seed(0))
            size = torch.from_numpy(lfilter([1.0], [1.0, -self.rho], noise.numpy())).float()
            size = 5.0 + size * (1 - self.rho**2) ** 0.5 * 0.5
            rod = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
            x = size[:, None, None] * rod
            return x[: self.n], x[self.n :]

    @zoo.hookimpl
    def zoo_datasets():
        yield zoo.DatasetSpec(api=1, name="series", factory="zoo_series:Series", summary="",
                              offers=set(), source="", license="")
"""


def tell(_message: dict[str, Any]) -> None:
    """Nobody listens."""


def kept_data(name: str, store: Store) -> tuple[Choice, Result]:
    """A dataset and its files, as a run would keep them."""
    choice = installed().find("dataset", name)
    folder = store.scratch()
    facts = materialise(Materialise(choice), folder, tell)
    return choice, store.keep("data", Materialise(choice).key, folder, facts)


def metrics(*names: str) -> tuple[Choice, ...]:
    """Metrics by name."""
    return tuple(installed().find("metric", name) for name in names)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Tensor, Result]:
    """Facts of a score, the conformations it is of, and the data."""
    store = Store(tmp_path_factory.mktemp("scoring")).open()
    dataset, data = kept_data(SMALL, store)
    x = 1.1 * CHAIN.sample(200, torch.Generator().manual_seed(1))
    folder = store.scratch()
    save_tensors(folder / DRAWN_FILE, {"conformations": x})
    drawn = store.keep("sample", "x", folder, {"network_calls": 1.0})
    stage = Score(drawn, dataset, data, metrics("rg_w1", "c2st", "test_nll"), 3, 4)
    return score_stage(stage, folder, tell), x, data


def test_replicates_are_scores_against_other_test_sets(
    scored: tuple[dict[str, Any], Tensor, Result],
) -> None:
    """Each is what the metric says of the same draws beside a kept replica of the test set."""
    facts, x, data = scored
    kept = load_tensors(data.folder / DATA_FILE)
    train, test = kept["train"], kept["test"]
    replicas = load_tensors(data.folder / REPLICAS_FILE)["test"]
    for value, other in zip(
        [facts["values"]["rg_w1"], *facts["replicates"]["rg_w1"]],
        [test, *replicas[:3]],
        strict=True,
    ):
        assert value == pytest.approx(RgW1().compute(zoo.Drawn(x), zoo.Data(train, other)))


def test_replicates_of_a_density_are_over_resampled_tests(
    scored: tuple[dict[str, Any], Tensor, Result], tmp_path: Path
) -> None:
    """They spread as the mean over other test sets would, by s/√n, and are alike for all models.

    Nobody knows what the model says of other test sets: it was asked about this one.
    """
    _, x, data = scored
    test = load_tensors(data.folder / DATA_FILE)["test"]
    store, choice = Store(tmp_path).open(), installed().find("dataset", SMALL)
    found = []
    for shift in (0.0, 7.0):
        log_prob = CHAIN.log_prob(test) - shift
        folders = store.scratch(), store.scratch()
        save_tensors(folders[0] / DRAWN_FILE, {"conformations": x})
        save_tensors(folders[1] / DENSITY_FILE, {"test_log_prob": log_prob})
        drawn = store.keep("sample", f"x{shift}", folders[0], {"network_calls": 1.0})
        evaluated = store.keep("density", f"x{shift}", folders[1], {})
        names = metrics("test_nll", "kl")
        stage = Score(drawn, choice, data, names, 100, evaluated=evaluated)
        facts = score_stage(stage, tmp_path, tell)
        assert facts["values"]["test_nll"] == pytest.approx(-float(log_prob.mean()), rel=1e-5)
        assert facts["replicates"]["kl"] == pytest.approx([shift] * 100, abs=1e-4)
        found.append(torch.tensor(facts["replicates"]["test_nll"]) - shift)
    spread = float(log_prob.std()) / math.sqrt(len(test))
    assert float(found[0].std()) == pytest.approx(spread, rel=0.3)
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-4)


def test_groups_left_out_are_every_fourth(
    scored: tuple[dict[str, Any], Tensor, Result],
) -> None:
    """The k-th is what the metric says without draws k, k + 4, k + 8 and so on."""
    facts, x, data = scored
    kept = load_tensors(data.folder / DATA_FILE)
    reference = zoo.Data(kept["train"], kept["test"])
    for group, value in enumerate(facts["without"]["rg_w1"]):
        rest = torch.cat([x[other::4] for other in range(4) if other != group])
        assert value == pytest.approx(RgW1().compute(zoo.Drawn(rest), reference))


def test_chance_is_the_same_in_all_replicates(
    scored: tuple[dict[str, Any], Tensor, Result],
) -> None:
    """A metric that uses random numbers gives the same value for the same sets again."""
    facts, _, _ = scored
    assert len(facts["replicates"]["c2st"]) == 3
    assert "test_nll" in facts["faults"]  # it was asked for, and there is no density


def test_replicas_are_new_truth(scored: tuple[dict[str, Any], Tensor, Result]) -> None:
    """Where truth can be drawn, a replica shares no conformation with the test set or another."""
    _, _, data = scored
    test = load_tensors(data.folder / DATA_FILE)["test"]
    replicas = load_tensors(data.folder / REPLICAS_FILE)["test"]
    every = torch.cat([test[None], replicas]).flatten(0, 1).flatten(1)
    assert len(every.unique(dim=0)) == len(every)
    assert data.facts["n_test_effective"] == len(test)


def test_a_perfect_density_has_the_best_likelihoods(tmp_path: Path) -> None:
    """Floors of likelihood metrics are those of the truth as its own model."""
    store = Store(tmp_path).open()
    dataset, data = kept_data(SMALL, store)
    names = metrics("test_nll", "kl", "weight_ess", "rg_reweighted", "rg_mean")
    floors = floor_stage(Floor(dataset, data, names, 500, 6), tmp_path, tell)["floors"]
    exact = build_dataset(dataset)
    assert isinstance(exact, zoo.ExactDataset)
    entropy = -float(exact.log_prob(CHAIN.sample(20_000)).mean())
    assert floors["test_nll"]["mean"] == pytest.approx(entropy, abs=0.15)
    assert floors["kl"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert floors["weight_ess"]["mean"] == pytest.approx(1.0)
    assert floors["rg_reweighted"]["mean"] == pytest.approx(floors["rg_mean"]["mean"])


@pytest.fixture
def floors(install: Install, tmp_path: Path) -> dict[str, tuple[float, dict[str, float]]]:
    """Effective size and floor of the error of mean Rg, of a slow series and of a shuffled one."""
    install("zoo-series", SERIES)
    store = Store(tmp_path / "results").open()
    found = {}
    for name in ("series[rho=0.9]", "series[rho=0.0]"):
        dataset, data = kept_data(name, store)
        stage = Floor(dataset, data, metrics("rg_mean_error"), 3_000, 60)
        facts = floor_stage(stage, tmp_path, tell)
        found[name] = (data.facts["n_test_effective"], facts["floors"]["rg_mean_error"])
    return found


def test_correlated_data_are_worth_less(
    floors: dict[str, tuple[float, dict[str, float]]],
) -> None:
    """Correlation ρ leaves n (1 − ρ) / (1 + ρ) conformations, and raises the floor as it should.

    The variance of the difference of two means is (1/n + 1/n_effective) of one value's.
    """
    (slow, slow_floor), (quick, quick_floor) = floors.values()
    assert slow == pytest.approx(3_000 / 19, rel=0.3)
    assert quick > 2_000
    expected = math.sqrt((1 + 19) / 2)
    assert slow_floor["mean"] / quick_floor["mean"] == pytest.approx(expected, rel=0.35)
