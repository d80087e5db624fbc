"""Other people's libraries as packages: what can be said of them without their libraries."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.peers import board
from zoo.registry import discover

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "benchmarks" / "peers"
NAMES = ("diffusers", "normflows", "torchcfm", "zuko")

PUBLIC = re.compile(r"zoo(\.errors|\.(polymer|generative)(\.\w+)?)?")


def project_of(name: str) -> dict[str, Any]:
    """The project table of a peer's pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((PEERS / name / "pyproject.toml").read_text())[
        "project"
    ]
    return project


def sources_of(name: str) -> list[Path]:
    """All modules of a peer's package."""
    return sorted((PEERS / name / f"zoo_{name}").glob("*.py"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the zoo finds where the four packages are installed and their libraries are not."""
    folder = tmp_path_factory.mktemp("site")
    for name in NAMES:
        shutil.copytree(PEERS / name / f"zoo_{name}", folder / f"zoo_{name}")
        project = project_of(name)
        info = folder / f"zoo_{name}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
        points = project["entry-points"]["zoo.plugins"].items()
        text = "".join(f"{point} = {module}\n" for point, module in points)
        (info / "entry_points.txt").write_text(f"[zoo.plugins]\n{text}")
    code = (
        "import json, sys\nfrom zoo.registry import discover\nfound = discover()\n"
        "print(json.dumps({'torch': 'torch' in sys.modules,\n"
        "    'plugins': {p.name: [p.distribution, p.status, p.reason] for p in found.plugins},\n"
        "    'specs': [[l.plugin.distribution, l.spec.kind, l.label, str(l.spec.factory)]\n"
        "              for l in found.listings]}))"
    )
    environment = dict(os.environ, PYTHONPATH=str(folder))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout)


def test_menus_need_neither_torch_nor_their_libraries(found: Any) -> None:
    """All four are taken as they are by the zoo's own validation, and cost no heavy import."""
    for name in NAMES:
        assert found["plugins"][f"zoo-{name}"] == [f"zoo-{name}", "ok", ""]
    assert not found["torch"]


def test_names_say_whose_they_are(found: Any) -> None:
    """A peer's lines begin with its library's name, so they are told apart and never collide."""
    theirs = [spec for spec in found["specs"] if spec[0] != "polymer-zoo"]
    assert len(theirs) >= 6
    for distribution, _, label, _ in theirs:
        assert label.startswith(distribution.removeprefix("zoo-") + "-")


def test_factories_are_there_and_take_options_with_defaults(found: Any) -> None:
    """What a menu names is a class of that module; a model's options can all be left out."""
    for distribution, kind, _, factory in found["specs"]:
        if distribution == "polymer-zoo":
            continue
        module, _, name = factory.partition(":")
        path = PEERS / distribution.removeprefix("zoo-") / (module.replace(".", "/") + ".py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        assert name in classes
        for node in classes[name].body if kind == "model" else ():
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                assert [argument.arg for argument in node.args.args] == ["self", "shape"]
                assert None not in node.args.kw_defaults


@pytest.mark.parametrize("name", NAMES)
def test_peers_see_the_public_zoo_and_their_library_only(name: str) -> None:
    """A package imports what a stranger may import of the zoo, and declares all the rest."""
    declared = {Requirement(line).name for line in project_of(name)["dependencies"]}
    for path in sources_of(name):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                top = module.partition(".")[0]
                known = top in sys.stdlib_module_names or top in declared
                assert known or PUBLIC.fullmatch(module), (path, module)


def test_the_zoo_knows_no_peer() -> None:
    """No line of the zoo or of its own plugins is written for one of them."""
    for folder in ("zoo", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8").lower()
            assert not [name for name in NAMES if name in text], path


def pins(path: Path) -> dict[str, str]:
    """Versions by name in a file of constraints."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines}


def test_constraints_pin_what_the_peers_need() -> None:
    """Every dependency has one pinned version, within the bounds that the package states."""
    ours, theirs = pins(ROOT / "constraints.txt"), pins(PEERS / "constraints.txt")
    assert ours.keys().isdisjoint(theirs)
    for name in NAMES:
        for line in project_of(name)["dependencies"]:
            wanted = Requirement(line)
            here = project_of(name)["version"] if wanted.name == "polymer-zoo" else None
            pinned = here or (ours | theirs)[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(pinned), (name, line)


def test_the_board_leaves_no_peer_out(found: Any) -> None:
    """Its lists hold every model and sampler that the peers bring, and otherwise ours."""
    specs = [spec for spec in found["specs"] if spec[0] != "polymer-zoo"]
    models = {label for _, kind, label, _ in specs if kind == "model"}
    samplers = {label for _, kind, label, _ in specs if kind == "sampler"}
    own = discover(first_party_only=True)
    assert set(board.THEIRS) == models
    assert samplers <= set(board.SAMPLERS)
    for kind, names in (
        ("model", {*board.OURS, *board.LECTURE}),
        ("sampler", set(board.SAMPLERS) - samplers),
    ):
        assert {own.find(kind, name).label for name in names} == names


def test_code_lines_are_what_is_left_without_words() -> None:
    """Comments, blank lines and docstrings count nothing; a text that is data counts in full."""
    source = '''
"""A module
of words."""

# a comment
LIMIT = 3
"""What it is."""
TEXT = """one

three"""


class Thing:
    """Words."""

    def method(
        self,  # itself
    ) -> int:
        r"""More words."""
        # why
        return LIMIT
'''
    assert board.code_lines(source) == 1 + 3 + 1 + 3 + 1
    assert board.code_lines(source.replace("LIMIT = 3", "# so\n\nLIMIT = 3")) == 9
    assert board.code_lines(source.replace("LIMIT = 3", "LIMIT = (\n    3\n)")) == 11


def test_a_line_names_everybody_who_brought_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer's model drawn by another peer's sampler owes itself to both; ours to nobody."""
    monkeypatch.setattr(board, "version", {"torchcfm": "1.0", "diffusers": "0.4"}.__getitem__)
    monkeypatch.setattr(board, "package_lines", {"zoo-torchcfm": 70, "zoo-diffusers": 60}.get)
    names = ("rg_w1", "rg_w1_low", "rg_w1_high", "rg_w1_ratio", "bond_w1", "contact_w1", "nfe")
    figures = dict.fromkeys((*names, "cpu_us_per_sample", "train_seconds", "parameters"), 1.0)
    mixed = figures | {"model": "m", "plugin": "zoo-torchcfm/m"}
    mixed |= {"sampler": "s", "sampler_plugin": "zoo-diffusers/s"}
    shown = board.line_of(mixed)
    assert shown["brought by"] == "torchcfm 1.0, diffusers 0.4"
    assert shown["lines of code"] == "70 + 60"
    own = board.line_of(mixed | {"plugin": "polymer-zoo/m", "sampler_plugin": "polymer-zoo/s"})
    assert (own["brought by"], own["lines of code"]) == ("ours", "–")


def test_the_board_kept_has_peers_of_four_distributions() -> None:
    """At least six lines of other people's libraries, all four of them, none without a score."""
    kept = (ROOT / "benchmarks" / "results" / "peers.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in kept.splitlines() if line.startswith("| ")][1:]
    theirs = [[cell.strip() for cell in row] for row in rows if "ours" not in row[-2]]
    assert len(theirs) >= 6
    assert {word.split()[0] for row in theirs for word in row[-2].split(", ")} == set(NAMES)
    for row in rows:
        assert float(row[2]) >= 0
        assert float(row[8].replace(",", "")) > 0


def test_the_readme_shows_the_board_kept() -> None:
    """Line by line."""
    kept = (ROOT / "benchmarks" / "results" / "peers.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- peers -->\n")[1].split("\n<!-- /peers -->")[0]
    assert shown.count("\n") > 10
    assert shown in kept
