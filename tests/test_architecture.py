"""The rooms of the house, and the doors between them that are open."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

ROOT = Path(zoo.__file__).parent
PLUGINS = ROOT.parent / "plugins" / "zoo_plugins"

BASE = {"specs", "errors", "contracts", "engine", "wording"}
MAY_IMPORT = {
    "specs": set(),
    "errors": set(),
    "wording": set(),
    "contracts": set(),
    "engine": set(),
    "polymer": {"contracts", "errors"},
    "generative": {"contracts", "errors"},
    "registry": BASE,
    "conformance": BASE | {"registry", "polymer", "generative"},
    "harness": BASE | {"registry", "polymer", "generative"},
    "board": {"errors", "specs", "wording"},
    "report": {"errors", "specs", "wording", "registry", "polymer", "harness", "board"},
    "api": BASE | {"registry", "harness", "board"},
    "boards": BASE | {"registry", "harness", "board"},
    "cli": BASE | {"registry", "harness", "board", "report", "api", "boards", "conformance"},
}


def imports_of(path: Path) -> set[str]:
    """Full names of all modules a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def rooms_in(names: set[str]) -> set[str]:
    """The rooms of `zoo` among module names; `import zoo` alone is the front door."""
    inner = {name.split(".")[1] for name in names if name.startswith("zoo.")}
    return {name for name in inner if (ROOT / name).exists() or (ROOT / f"{name}.py").exists()}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_each_room_opens_only_its_doors(room: str) -> None:
    """A room imports itself and what the map allows, nothing else of ours."""
    files = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else (ROOT / room).rglob("*.py")
    for path in files:
        assert rooms_in(imports_of(path)) <= MAY_IMPORT[room] | {room}, path


def test_every_room_is_on_the_map() -> None:
    """A new folder or module of `zoo` needs a line on the map."""
    here = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert here - {"__init__", "__main__", "__pycache__"} - {"py"} == set(MAY_IMPORT)


def test_the_zoo_knows_no_plugin() -> None:
    """Nothing in `zoo` imports first-party plugins or names their package."""
    for path in ROOT.rglob("*.py"):
        assert "zoo_plugins" not in path.read_text(encoding="utf-8"), path


def test_plugins_see_only_the_public_rooms() -> None:
    """First-party plugins import what a stranger may: contracts, polymer and generative."""
    allowed = {"contracts", "polymer", "generative", "errors"}
    for path in PLUGINS.rglob("*.py"):
        assert rooms_in(imports_of(path)) <= allowed, path


def test_kinds_of_plugins_do_not_know_each_other() -> None:
    """No model imports a sampler, no sampler a metric, and so on."""
    for path in PLUGINS.rglob("*.py"):
        kind = path.parent.name
        others = {name for name in imports_of(path) if name.startswith("zoo_plugins.")}
        assert all(name.startswith(f"zoo_plugins.{kind}") for name in others), path


def test_only_the_command_line_prints() -> None:
    """No other room calls `print` or writes to the standard streams."""
    for path in ROOT.rglob("*.py"):
        if path.parent.name == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in ("print", "sys.stdout.write", "sys.stderr.write"), path


DRY = ["run", "--all", "bead-spring", "--dry-run", "--device", "cpu"]


@pytest.mark.parametrize("words", [["--help"], ["list"], ["run", "--help"], DRY])
def test_help_and_listings_import_nothing_heavy(words: list[str]) -> None:
    """The answers a user waits for at the keyboard load neither torch nor pandas."""
    code = (
        "import sys\nfrom zoo.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        "print('heavy:', sorted({'torch', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []", done.stdout
