"""Laws of the bead-spring dataset."""

from __future__ import annotations

import pytest
import torch

from zoo.errors import UsageError
from zoo.polymer.chain import Chain
from zoo_plugins.datasets.bead_spring import BeadSpring


def test_the_split_is_fixed_by_the_seed_and_by_nothing_else() -> None:
    """The same at every call whatever torch's random state, which stays as it was."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = BeadSpring(n_train=50, n_test=40).split()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = BeadSpring(n_train=50, n_test=40).split()
    other = BeadSpring(n_train=50, n_test=40, seed=1).split()
    for a, b, c in zip(first, again, other, strict=True):
        assert torch.equal(a, b)
        assert not torch.isclose(a, c).all(dim=(1, 2)).any()


def test_energy_and_density_are_those_of_the_chain_with_the_same_options() -> None:
    """Every option reaches the Hamiltonian."""
    data = BeadSpring(beads=5, dim=3, k=50.0, r0=1.2, kb=2.5)
    chain = Chain(beads=5, dim=3, k=50.0, r0=1.2, kb=2.5)
    x = data.split()[1][:20]
    assert torch.equal(data.energy(x), chain.energy(x))
    assert torch.equal(data.log_prob(x), chain.log_prob(x))


def test_a_wrong_option_is_refused_before_anything_is_drawn() -> None:
    """At construction, with the chain's own sentence."""
    with pytest.raises(UsageError, match="dim is 4"):
        BeadSpring(dim=4)
