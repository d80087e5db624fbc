"""What a model's density says of its conformations, and how it can be put right. NaN in, NaN out.

q is the model's normalised density, p the exact one, both over the same measure, in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import zoo
from zoo.errors import UsageError
from zoo.polymer import radius_of_gyration


@dataclass(frozen=True)
class HeldOutNLL(zoo.Metric):
    """Mean negative log-density −⟨ln q⟩ of the test conformations.

    No model can have less than the entropy of the truth; what it has more is `kl`.

    Raises:
        zoo.errors.UsageError: If the model gave no log-density.

    Example:
        >>> x = torch.zeros(3, 2, 2)
        >>> drawn = zoo.Drawn(x, test_log_prob=torch.tensor([-1.0, -2.0, -6.0]))
        >>> HeldOutNLL().compute(drawn, zoo.Data(train=x, test=x))
        3.0
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:  # noqa: ARG002 - needs no truth
        """Mean in nats per conformation."""
        return -float(_of_model(drawn.test_log_prob).mean())


@dataclass(frozen=True)
class KL(zoo.Metric):
    """Kullback-Leibler divergence of the model from the truth, ⟨ln p − ln q⟩ over the test.

    In this direction it counts what the model misses: it is large where the truth is likely and
    the model thinks not.

    Raises:
        zoo.errors.UsageError: If the model gave no log-density, or the dataset has none.

    Reference:
        Kullback & Leibler, Ann. Math. Stat. 22 (1951), 79, doi:10.1214/aoms/1177729694.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Mean in nats per conformation; can be negative by noise alone."""
        return float((_of_truth(data, data.test) - _of_model(drawn.test_log_prob)).mean())


@dataclass(frozen=True)
class WeightESS(zoo.Metric):
    """Effective sample size of the importance weights p/q, as a fraction of what was drawn.

    (Σw)² / (n Σw²): how many independent true conformations a drawn one is worth, once
    reweighted. It counts what the model draws in vain, and sees nothing of what it never draws.

    Raises:
        zoo.errors.UsageError: If the model gave no log-density, or the dataset has none.

    Reference:
        Kish, Survey Sampling (1965), section 8.2.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Fraction between 1/n and 1."""
        weights = importance_weights(drawn, data)
        return float(1 / (len(weights) * weights.square().sum()))


@dataclass(frozen=True)
class RgReweighted(zoo.Metric):
    """Mean radius of gyration of the drawn conformations, each weighted by p/q.

    The exact answer from an inexact model, as long as `weight_ess` is not small: beside it,
    `rg_mean` is the model's own, and the floor says the truth.

    Raises:
        zoo.errors.UsageError: If the model gave no log-density, or the dataset has none.

    Reference:
        Noé, Olsson, Köhler & Wu, Science 365 (2019), eaaw1147, doi:10.1126/science.aaw1147.
    """

    def compute(self, drawn: zoo.Drawn, data: zoo.Data) -> float:
        """Mean in σ."""
        radii = radius_of_gyration(drawn.conformations).double()
        return float((importance_weights(drawn, data) * radii).sum())


def importance_weights(drawn: zoo.Drawn, data: zoo.Data) -> Tensor:
    """Weights that turn averages over drawn conformations into averages over the truth.

    From logarithms, so that no density over- or underflows. An impossible conformation (p = 0)
    has no weight.

    Args:
        drawn: Conformations with the model's log-density.
        data: The truth with its log-density.

    Returns:
        p/q of each drawn conformation, divided by their sum, shape (n,), in double precision;
        NaN where any is NaN, or all vanish.

    Raises:
        UsageError: If either density is missing.

    Example:
        >>> x = torch.zeros(2, 2, 2)
        >>> truth = zoo.Data(train=x, test=x, log_prob=lambda x: torch.tensor([2.0, -torch.inf]))
        >>> importance_weights(zoo.Drawn(x, log_prob=torch.tensor([1.0, 1.0])), truth).tolist()
        [1.0, 0.0]
    """
    logs = _of_truth(data, drawn.conformations) - _of_model(drawn.log_prob)
    return torch.softmax(logs, dim=0)


def _of_model(found: Tensor | None) -> Tensor:
    if found is None:
        raise UsageError(
            "the model gave no log-density; this metric needs one. Choose a model that offers "
            "'log_prob', or leave the metric out."
        )
    return found.double()


def _of_truth(data: zoo.Data, x: Tensor) -> Tensor:
    if data.log_prob is None:
        raise UsageError(
            "the dataset has no log-density; this metric needs one. Choose a dataset that offers "
            "'log_prob', or leave the metric out."
        )
    return data.log_prob(x).double()
