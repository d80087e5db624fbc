"""The polymer trajectory of the dmol book, pinned by its SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import zoo
from zoo.polymer import center
from zoo.polymer.files import read_array
from zoo.polymer.trajectories import split_blocks
from zoo_plugins.datasets.download import Pinned

FILE = Pinned(
    name="long_paths.npz",
    url="https://raw.githubusercontent.com/whitead/dmol-book/main/data/long_paths.npz",
    sha256="ccfdc2415231191f818d46e717e06ad8403b0c6dacb7790c3ec64f4f70234610",
    size=393_476,
    option="dmol[path='...']",
)


@dataclass(frozen=True)
class Dmol(zoo.Dataset):
    """One short simulation of a chain of 12 beads in the plane, which drifts all along.

    The file holds 2,048 frames of a single trajectory, not 2,048 independent conformations.
    Neighbours are correlated: frames are worth about 400 independent values of Rg, fewer than
    one in five. Nor is the chain at equilibrium: its mean Rg is 1.02 in the first half and 1.19
    in the second, and its bonds lengthen from the first frame to the last. So a cut by
    position compares two different distributions, and single frames chosen at random have near
    copies on the other side. Training and test frames are therefore stretches in turn, with
    gaps between them (see `zoo.polymer.trajectories.split_blocks`). A floor on these data says
    what a perfect model of this trajectory would get, not of the polymer behind it; for bond
    lengths it is about three times too high, since resampling takes their drift for chance.

    The file is downloaded once (393 kB) into the folder that the environment variable `ZOO_CACHE`
    names, or else into `polymer-zoo` in the user's cache. It is not ours: CC BY-NC 3.0.

    Args:
        path: A copy of `long_paths.npz`; empty to use the cache, or download it.

    Reference:
        White, Deep Learning for Molecules and Materials, Living J. Comput. Mol. Sci. 3 (2021),
        1499, doi:10.33011/livecoms.3.1.1499.

    Example:
        >>> Dmol(path="no/such/long_paths.npz").split()
        Traceback (most recent call last):
        zoo.errors.UsageError: cannot read 'no/such/long_paths.npz': No such file or directory.
    """

    path: str = ""

    def split(self) -> tuple[Tensor, Tensor]:
        """Training and test frames, each in order of time, lengths as in the file.

        Raises:
            zoo.errors.UsageError: If the file is not there and cannot be downloaded, or is
                another one.
        """
        path = FILE.check(Path(self.path)) if self.path else FILE.fetch()
        return split_blocks(center(torch.from_numpy(read_array(path))))
