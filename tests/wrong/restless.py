"""Changes how many threads there are, for everybody who imports it."""

from __future__ import annotations

import torch

from tests.wrong.models import Normal

torch.set_num_threads(torch.get_num_threads() + 1)


class Restless(Normal):
    """Right by itself."""
