"""Laws of `zoo plugins`: all that is installed is there, and what is broken says why."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import Install
from tests.test_discovery import GOOD, VILLAINS
from zoo.cli import main
from zoo.registry import validation


def asked(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Standard output of a command that succeeds."""
    assert main(words) == 0
    return capsys.readouterr().out


def facts(capsys: pytest.CaptureFixture[str], distribution: str) -> dict[str, Any]:
    """What `--format json` says of a distribution's only plugin."""
    every = json.loads(asked(["plugins", "--format", "json"], capsys))
    (found,) = [one for one in every if one["distribution"] == distribution]
    return dict(found)


def test_a_good_and_a_broken_plugin_are_both_there(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each, with hooks and counts, or with the reason."""
    install("zoo-good", GOOD.replace("NAME", "good"), version="2.1")
    install("zoo-bad", "import nowhere_at_all", version="0.3")
    table = asked(["plugins"], capsys)
    assert re.search(r"zoo-good +zoo-good +2\.1 +ok +zoo_models +model good +\S", table)
    assert re.search(r"zoo-bad +zoo-bad +0\.3 +quarantined", table)
    assert "zoo-bad: quarantined: importing zoo_bad failed: ModuleNotFoundError" in table
    assert re.search(r"polymer-zoo .* \d+ models, \d+ samplers, \d+ metrics, \d+ datasets?", table)
    good = facts(capsys, "zoo-good")
    assert good["offers"] == [{"kind": "model", "name": "good", "api": 1}]
    assert good["source"] == str(install.folder)


@pytest.mark.parametrize("villain", ["fails to import", "raises half-way", "ends the process"])
def test_the_traceback_of_a_broken_plugin_is_shown(
    install: Install, capsys: pytest.CaptureFixture[str], villain: str
) -> None:
    """`zoo plugins show NAME` ends with where the exception came from, in the plugin's file."""
    path = install("zoo-villain", VILLAINS[villain][0].replace("NAME", "bad"))
    shown = asked(["plugins", "show", "zoo-villain"], capsys)
    assert VILLAINS[villain][1] in shown
    assert "Traceback (most recent call last)" in shown
    assert f'File "{path}", line ' in shown


def test_requirements_name_what_is_installed(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """From an index: the version. From a folder or a repository: its URL, as PEP 610 says."""
    origins: dict[str, dict[str, object]] = {
        "zoo-index": {},
        "zoo-folder": {"url": "file:///home/ann/zoo-folder", "dir_info": {}},
        "zoo-edited": {"url": "file:///home/ann/zoo-edited", "dir_info": {"editable": True}},
        "zoo-git": {
            "url": "https://example.org/zoo-git",
            "vcs_info": {"vcs": "git", "commit_id": "abc123"},
        },
        "zoo-part": {
            "url": "https://example.org/zoo-git",
            "vcs_info": {"vcs": "git", "commit_id": "abc123"},
            "subdirectory": "peers/part",
        },
        "zoo-archive": {
            "url": "https://example.org/zoo.tar.gz",
            "archive_info": {"hashes": {"sha256": "12ab"}},
        },
        "zoo-evil": {"url": "https://example.org/\nzoo"},
        "zoo-spaced": {"url": "file:///x --index-url https://example.org", "dir_info": {}},
        "zoo-odd": {"url": ["https://example.org"]},
    }
    for name, record in origins.items():
        install(name, GOOD.replace("NAME", name))
        info = install.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        (info / "direct_url.json").write_text(json.dumps(record))
    lines = asked(["plugins", "--requirements"], capsys).splitlines()
    assert set(lines[1:]) == {
        "zoo-index==1.0",
        "zoo-folder @ file:///home/ann/zoo-folder",
        "-e file:///home/ann/zoo-edited",
        "zoo-git @ git+https://example.org/zoo-git@abc123",
        "zoo-part @ git+https://example.org/zoo-git@abc123#subdirectory=peers/part",
        "zoo-archive @ https://example.org/zoo.tar.gz#sha256=12ab",
        "zoo-evil==1.0",
        "zoo-spaced==1.0",
        "zoo-odd==1.0",
    }
    assert lines[0].startswith(("polymer-zoo", "-e "))


def test_nothing_a_plugin_says_moves_the_cursor(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences in versions, names and messages are shown, not sent to the terminal."""
    install("zoo-red", "raise OSError('\\x1b[2J gone')", version="1\x1b[31m")
    install("zoo-name", entry_points="[zoo.plugins]\na\x1b[2Jb = zoo_name\n")
    for words in (["plugins"], ["list"], ["plugins", "show", "zoo-red"]):
        out = asked(words, capsys)
        assert "\x1b" not in out
        assert "gone" in out


def test_an_unknown_plugin_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """What is installed is said."""
    assert main(["plugins", "show", "elephant"]) == 2
    assert "no plugin or distribution named 'elephant'. Installed:" in capsys.readouterr().err


def test_an_older_contract_works_for_a_while_and_says_so(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the oldest number and today's a spec is taken; `show` names its age."""
    install("zoo-old", GOOD.replace("NAME", "old"))
    for module in (validation, __import__("zoo.cli.plugins", fromlist=["API"])):
        monkeypatch.setattr(module, "API", 2)
    assert facts(capsys, "zoo-old")["status"] == "ok"
    for words in (["plugins"], ["plugins", "show", "zoo-old"]):
        assert "model old (written for API 1; this zoo has 2" in asked(words, capsys)
    monkeypatch.setattr(validation, "OLDEST_API", 2)
    reason = facts(capsys, "zoo-old")["reason"]
    assert "written for API 1; this zoo has 2, and a newer release of the plugin may" in reason
