"""The polymer: its Hamiltonian and exact sampler, its geometry, its representations.

Nothing here knows of networks, training or scores; only contracts and errors are imported.
Everybody but the registry may come in; plugins do, through these names and their modules.
"""

from zoo.polymer.geometry import (
    align,
    bond_lengths,
    bond_vectors,
    center,
    closest_contact,
    end_to_end,
    pair_distances,
    radius_of_gyration,
    turning_angles,
)
from zoo.polymer.symmetry import augment, random_rotations, rotate, turn_at_random

__all__ = [
    "align",
    "augment",
    "bond_lengths",
    "bond_vectors",
    "center",
    "closest_contact",
    "end_to_end",
    "pair_distances",
    "radius_of_gyration",
    "random_rotations",
    "rotate",
    "turn_at_random",
    "turning_angles",
]
