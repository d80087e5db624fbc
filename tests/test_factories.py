"""Laws of factories: what is loaded is what was named, and a digest changes with the code."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from zoo.errors import PluginError, UsageError
from zoo.registry import Choice, Listing, Plugin, Registry, discover, load_factory, source_hash
from zoo.specs import ModelSpec

if TYPE_CHECKING:
    from tests.conftest import Install

PLUGIN = """
import zoo

@zoo.hookimpl
def zoo_models():
    yield zoo.ModelSpec(api=1, name="feather", factory="FACTORY", summary="", offers={"draw"})
"""

GAUSS = """
from dataclasses import dataclass
import torch, zoo

print("importing")

class Gauss(zoo.OneShot):
    def __init__(self, shape: tuple[int, int], width: float = 1.0) -> None:
        super().__init__()
        self.shape, self.width = shape, width

    def draw(self, n):
        return torch.full((n, *self.shape), self.width)

class Known(Gauss):
    def log_prob(self, x):
        return x.sum((1, 2))

class Tale(zoo.Path):
    pass

class Mute(zoo.Model):
    pass

@dataclass
class Other:
    x: int = 0
"""


def listing(factory: Any) -> Listing:
    """A listing of nothing but a factory."""
    spec = ModelSpec(api=1, name="feather", factory=factory, summary="", offers={"draw"})
    return Listing(spec, Plugin("entry", "zoo-feather", "0.3", "zoo_feather"), "feather")


def write(folder: Path, files: dict[str, str]) -> None:
    """Write text files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("Other = 1", "AttributeError: module 'zoo_model' has no attribute 'Model'"),
        ("Model = 1", "TypeError: it is a int and cannot be called"),
    ],
)
def test_a_factory_that_fails_is_the_fault_of_its_plugin(
    install: Install, code: str, sentence: str
) -> None:
    """The menu is fine and its dish is not: plugin, distribution, version and error are named."""
    install("zoo-feather", PLUGIN.replace("FACTORY", "zoo_model:Model"), version="0.3")
    write(install.folder, {"zoo_model.py": code})
    choice = discover().find("model", "feather")
    for use in (choice.check, choice.build):
        with pytest.raises(PluginError) as caught:
            use()
        assert "model 'feather' of plugin 'zoo-feather' (zoo-feather 0.3)" in str(caught.value)
        assert sentence in str(caught.value)


def test_a_model_takes_options_but_not_its_shape(install: Install) -> None:
    """Shape, and the dataset of a reference, come from the zoo; a typing slip does not get far."""
    rock = """
    yield zoo.ModelSpec(api=1, name="rock", factory="zoo_model:build", summary="", offers={"draw"},
                        reference=True, needs={"fresh"})
"""
    install("zoo-feather", PLUGIN.replace("FACTORY", "zoo_model:build") + rock)
    code = "def build(shape, width=1, *, dataset=None):\n    return shape, width, dataset\n"
    write(install.folder, {"zoo_model.py": code})
    registry = discover()
    choice = registry.find("model", "feather[width=2]")
    choice.check()
    assert choice.build((12, 2), dataset="d") == ((12, 2), 2, "d")
    registry.find("model", "feather[dataset=1]").check()
    for text in ("feather[shape=(1,2)]", "rock[dataset=1]"):
        with pytest.raises(UsageError, match="has no option"):
            registry.find("model", text).check()


def test_a_callable_is_its_own_factory() -> None:
    """A spec may hold the callable; a digest finds the file it was written in."""
    assert load_factory(len) is len
    named = source_hash(listing("json:dumps"))
    assert source_hash(listing(json.dumps)) == named
    assert source_hash(listing(functools.partial(json.dumps, indent=1))) == named


def test_a_digest_covers_the_folder_of_the_factory(install: Install) -> None:
    """Whatever Python file beside or below the factory changes, moves or appears, it is told."""
    files = {
        "pack/__init__.py": "",
        "pack/near/__init__.py": "",
        "pack/near/model.py": "a = 1\n",
        "pack/near/net.py": "b = 1\n",
        "pack/near/deep/part.py": "c = 1\n",
        "pack/far.py": "d",
    }
    write(install.folder, files)
    item = listing("pack.near.model:Model")
    seen = [source_hash(item)]
    whole = source_hash(listing("pack:Model"))
    for change in (
        {"pack/near/model.py": "a = 2\n"},
        {"pack/near/net.py": "b = 2\n"},
        {"pack/near/deep/part.py": "c = 2\n"},
        {"pack/near/more.py": ""},
        {"pack/near/net.py": "b = ", "pack/near/other.py": "2\n"},
    ):
        write(install.folder, change)
        seen.append(source_hash(item))
    assert len(set(seen)) == len(seen)
    write(install.folder, {"pack/far.py": "e", "pack/near/data.txt": "1", "alone.py": "1"})
    assert source_hash(item) == seen[-1]
    assert "pack.near.model" not in sys.modules
    assert source_hash(listing("pack.near:Model")) == seen[-1]
    assert source_hash(listing("pack:Model")) not in {whole, seen[-1]}


def test_a_digest_says_nothing_of_the_machine(install: Install, tmp_path: Path) -> None:
    """Equal code elsewhere has an equal digest; a module alone is judged alone."""
    write(install.folder, {"alone.py": "a = 1\n", "beside.py": "b = 1\n"})
    write(tmp_path, {"elsewhere/alone.py": "a = 1\n", "elsewhere/other.py": "c = 1\n"})
    here = source_hash(listing("alone:Model"))
    assert here == source_hash(listing(f"{tmp_path}/elsewhere/alone.py:Model"))
    assert here == hashlib.sha256(b"alone.py\x006\x00a = 1\n").hexdigest()
    assert here != source_hash(listing("beside:Model"))


@pytest.mark.parametrize("factory", ["nowhere.model:Model", "nowhere:Model", "sys:exit"])
def test_a_missing_source_is_named(factory: str) -> None:
    """Without a source there is no digest, so nothing could be kept: that is said."""
    with pytest.raises(PluginError, match=r"\(zoo-feather 0.3\) has no source"):
        source_hash(listing(factory))


@pytest.mark.parametrize(
    ("name", "offers"), [("Gauss", {"draw"}), ("Known", {"draw", "log_prob"}), ("Tale", {"path"})]
)
def test_a_file_needs_no_packaging(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, offers: set[str]
) -> None:
    """What a lone model offers is read off its class; its version is its content."""
    write(tmp_path, {"my model.py": GAUSS})
    text = f"{tmp_path}/my model.py:{name}"
    choice = Registry((), ()).find("model", f"{text}[width=2]")
    assert choice.listing.spec.offers == offers
    assert choice.listing.qualified == f"file/{name.lower()}"
    assert choice.listing.plugin.version == hashlib.sha256(GAUSS.encode()).hexdigest()[:12]
    assert choice.label == f"{text}[width=2]"
    assert Registry((), ()).find("model", choice.label) == choice
    assert capsys.readouterr().out == ""
    assert str(tmp_path) not in sys.path


def test_a_file_is_built_in_another_process(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is remembered in full, and a pickled choice builds where it arrives."""
    write(tmp_path, {"model.py": GAUSS})
    monkeypatch.chdir(tmp_path)
    choice = Registry((), ()).find("model", "model.py:Gauss[width=2]")
    choice.check()
    assert choice.label == "model.py:Gauss[width=2]"
    code = (
        "import pickle, sys; choice = pickle.load(sys.stdin.buffer);"
        "print(choice.build((3, 2)).draw(5).sum().item(), choice.label)"
    )
    sent = pickle.dumps(choice)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=sent,
        capture_output=True,
        check=True,
        cwd=install.folder,
    )
    assert done.stdout.decode() == "60 model.py:Gauss[width=2]\n"


def test_an_edited_file_is_another_model(tmp_path: Path) -> None:
    """Version and code follow the content, also within one process."""
    path = tmp_path / "model.py"
    path.write_text(GAUSS)
    text = f"{path}:Gauss"
    before = Registry((), ()).find("model", text)
    assert Registry((), ()).find("model", text).listing.plugin == before.listing.plugin
    path.write_text(GAUSS.replace("= 1.0", "= 3.0"))
    after = Registry((), ()).find("model", text)
    assert after.listing.plugin.version != before.listing.plugin.version
    assert after.build((1, 1)).width == 3.0


@pytest.mark.parametrize(
    ("request_text", "sentence"),
    [
        ("nowhere.py:Gauss", "no file"),
        ("model.py:Guass", "Did you mean 'Gauss'? Models in that file: Gauss, Known, Mute, Tale."),
        ("model.py:Other", "is no zoo.Model. Make it a class derived from zoo.OneShot"),
        ("model.py:torch", "is no zoo.Model"),
        ("model.py:", "no zoo.Model named ''"),
        ("model.py:Mute", "Mute is neither a zoo.OneShot nor a zoo.Path"),
        ("broken.py:Gauss", "failed: ZeroDivisionError: division by zero"),
        ("leaving.py:Gauss", "failed: SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_used_is_bad_usage(
    tmp_path: Path, request_text: str, sentence: str
) -> None:
    """The file is the user's own: each message says what is there and what is missing."""
    write(tmp_path, {"model.py": GAUSS, "broken.py": "1 / 0", "leaving.py": "raise SystemExit(3)"})
    with pytest.raises(UsageError) as caught:
        Registry((), ()).find("model", f"{tmp_path}/{request_text}")
    assert sentence in str(caught.value)


def test_a_choice_is_what_it_was_made_of() -> None:
    """Options reach the factory by name, extra arguments beside them."""
    choice = Choice(listing(dict), (("a", 1),))
    assert choice.build([("b", 2)], c=3) == {"a": 1, "b": 2, "c": 3}


def test_threads_that_import_leave_stdout_where_it_was(install: Install) -> None:
    """Many threads that look at sources at once do not swap the process's standard output."""
    install("zoo-gauss", "import time\n")
    listing = Listing(
        ModelSpec(api=1, name="gauss", factory="zoo_gauss:Gauss", summary="", offers={"draw"}),
        Plugin("gauss", "zoo-gauss", "1.0", "zoo_gauss"),
        "gauss",
    )
    before = sys.stdout
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: source_hash(listing), range(2_000)))
    assert len(digests) == 1
    assert sys.stdout is before
