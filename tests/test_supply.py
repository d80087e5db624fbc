"""Laws of what CI installs: everything pinned and hashed, and the same as `make` installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!+-]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Versions by normalised names."""
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in PIN.findall(text)}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_pin_has_hashes() -> None:
    """Pip would refuse the whole file if one had none; every line is a pin, a hash or a remark."""
    text = re.sub(r"^#.*\n", "", read("requirements.lock"), flags=re.MULTILINE)
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert len(blocks) > 50
    for block in blocks:
        first, *hashes = block.strip().splitlines()
        assert PIN.match(first), first
        assert hashes
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)


def test_the_lock_and_the_constraints_agree() -> None:
    """What is tested here is what is locked, version by version."""
    locked, constrained = pins(read("requirements.lock")), pins(read("constraints.txt"))
    assert {name: locked.get(name) for name in constrained} == constrained


def test_nothing_is_needed_that_is_not_locked() -> None:
    """Every dependency in pyproject.toml, and of the extra `dev`, has a line."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=\[; ]", one)[0].replace("_", "-").lower() for one in wanted}
    assert names <= set(pins(read("requirements.lock")))
    assert len(project["dependencies"]) <= 12  # few, and each one earns its place
