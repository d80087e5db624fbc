"""Laws of poor surroundings: an ASCII locale, a home and caches that nobody may write to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Install
from tests.test_run import TOY
from zoo.board.leaderboard import read_csv

POOR = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
FORGET = (
    "LANG",
    "LC_CTYPE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "MPLCONFIGDIR",
    "PYTHONIOENCODING",
)


def zoo(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a folder, with no home to speak of."""
    env = {name: value for name, value in os.environ.items() if name not in FORGET}
    env |= POOR | {"HOME": "/proc/no-home"}  # not even root can write there
    command = [sys.executable, "-m", "zoo", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)


@pytest.fixture
def folder(install: Install, tmp_path: Path) -> Path:
    """Where to work: its name is no ASCII."""
    install("zoo-toy", TOY)
    folder = tmp_path / "wörk"
    folder.mkdir()
    return folder


def test_a_run_works_in_an_ascii_locale_without_a_home(folder: Path) -> None:
    """Table, files, page and errors are UTF-8, whatever the locale, and nothing is written home."""
    words = ["run", "honest", "raises", "--dataset", "walks", "--preset", "quick", "--out", "größe"]
    done = zoo(folder, *words)
    err = done.stderr.decode()
    assert done.returncode == 1, err
    assert "[µs/sample]" in done.stdout.decode()
    assert "kept in größe" in err
    assert "Traceback" not in err
    out = folder / "größe"
    assert read_csv(out / "leaderboard.csv")["status"].tolist() == ["ok", "error"]
    assert "µs" in (out / "leaderboard.md").read_text(encoding="utf-8")
    assert len(json.loads((out / "leaderboard.json").read_text(encoding="utf-8"))) == 2
    assert "σ" in next(folder.rglob("*.html")).read_text(encoding="utf-8")
    again = zoo(folder, "leaderboard", "--out", "größe")
    assert again.stdout == done.stdout
    verified = zoo(folder, "verify", "größe/leaderboard.csv")
    assert verified.returncode == 0, verified.stderr.decode()


def test_other_commands_speak_utf8(folder: Path) -> None:
    """Help, listings and complaints about names that are no ASCII are readable."""
    assert "σ" in zoo(folder, "score", "--help").stdout.decode()
    assert zoo(folder, "list").returncode == 0
    done = zoo(folder, "run", "größe")
    assert done.returncode == 2
    assert "no model named 'größe'" in done.stderr.decode()


def test_a_download_says_where_it_could_not_be_kept(folder: Path) -> None:
    """Without a home the cache is the problem, or the network before it: either is said."""
    done = zoo(folder, "run", "honest", "--dataset", "dmol", "--offline")
    assert done.returncode == 2
    assert "--offline or ZOO_OFFLINE forbids to download it" in done.stderr.decode()
