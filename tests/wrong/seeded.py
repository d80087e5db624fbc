"""Seeds everybody who imports it."""

from __future__ import annotations

import torch

from tests.wrong.models import Normal

torch.manual_seed(0)


class Seeded(Normal):
    """Right by itself."""
