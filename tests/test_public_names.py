"""Nothing public leaves or changes unnoticed."""

from __future__ import annotations

from tests.public_names import KEPT, public_names


def test_public_names_are_the_kept_ones() -> None:
    """Names and signatures are those of public_names.txt, which says how to accept new ones."""
    kept = KEPT.read_text(encoding="utf-8").splitlines()
    found = public_names()
    left, come = sorted(set(kept) - set(found)), sorted(set(found) - set(kept))
    assert not left, f"public names left or changed: {left}; see tests/public_names.py"
    assert not come, f"new public names: {come}; `python -m tests.public_names` accepts them"
    assert len(found) == len(set(found)) > 100


def test_a_changed_signature_is_noticed() -> None:
    """The lines tell what a caller can see: arguments, defaults, methods."""
    lines = public_names()
    assert any(line.startswith("zoo.ModelSpec(*, api: 'int', name: 'str'") for line in lines)
    assert "zoo.OneShot.draw(self, n: 'int') -> 'Tensor'" in lines
    assert "zoo.API" in lines
    assert "zoo.Path.size: int" in lines
    assert "zoo.plugins zoo_models: ModelSpec" in lines
