"""Laws of `zoo show` for kept lines: what made a number, and a command that makes it again."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.test_leaderboard import row
from zoo.board.provenance import command
from zoo.cli import main
from zoo.cli.parser import build_parser
from zoo.harness.store import Store
from zoo.harness.whole import digest


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keep rows in `zoo-results`; gives their keys."""
    monkeypatch.chdir(tmp_path)

    def keep(*rows: dict[str, Any]) -> list[str]:
        store = Store(Path("zoo-results")).open()
        keys = [digest(row)[:20] for row in rows]
        for key, made in zip(keys, rows, strict=True):
            made["made_by"]["keys"] = {"sample": f"5a{key[:6]}"}
            store.keep_row(key, made | {"key": key})
        return keys

    return keep


def test_a_line_says_what_made_it(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Model and sampler give the line: its seeds, figures, makers, folders and the command."""
    keys = keep(*(row("vae", seed, value) for seed, value in enumerate([0.1, 0.2, 0.3])))
    assert main(["show", "vae", "direct"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^seeds +0 1 2$", out, re.M)
    assert re.search(r"^rg_w1 +0\.2 .*0\.02 +\[0\.01, 0\.04\]", out, re.M)
    for made_by in ("polymer-zoo/m 0.1, source abababababab", f"SHA-256 {'01' * 32}"):
        assert made_by in out
    assert all(f"zoo-results/rows/{key}.json" in out for key in keys)
    assert all(f"zoo-results/sample/5a{key[:6]}" in out for key in keys)
    assert out.splitlines()[-1] == (
        "again: zoo run vae --sampler direct --dataset bead-spring --preset standard --seeds 3 "
        "--device cpu --out zoo-results-again"
    )


def test_a_seed_and_a_key_give_one_row(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A third name is the seed; six digits of a key do as well, and both say the same."""
    keys = keep(row("vae", 0, 0.1), row("vae", 1, 0.25))
    assert main(["show", "vae", "direct", "1"]) == 0
    by_seed = capsys.readouterr().out
    assert re.search(r"^rg_w1 +0\.25 ", by_seed, re.M)
    assert main(["show", keys[1][:6]]) == 0
    assert capsys.readouterr().out == by_seed


def test_every_board_with_such_a_line_is_shown(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same entry at two budgets makes two texts with two commands."""
    quick = {"preset": "quick", "seeds": 1, "draws": 2_000, "batch": 1_000}
    keep(row("vae", 0, 0.1), row("vae", 0, 0.4, settings=quick), row("other", 0, 0.3))
    assert main(["show", "vae", "direct"]) == 0
    again = re.findall(r"^again: .*--preset (\w+)", capsys.readouterr().out, re.M)
    assert sorted(again) == ["quick", "standard"]


def test_a_failed_row_says_why(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A row without figures shows its status and reason."""
    keep(row("vae", 0, None))
    assert main(["show", "vae", "direct"]) == 0
    out = capsys.readouterr().out
    assert "crashed: its process ended with signal 9" in out
    assert "no quality figures" in out


@pytest.mark.parametrize("words", [["vaee", "direct"], ["vae", "direct", "7"], ["vae", "dirct"]])
def test_what_is_not_kept_is_a_usage_error_with_near_names(
    words: list[str], keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """One paragraph, exit status 2, and what there is."""
    keep(row("vae", 0, 0.1))
    assert main(["show", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Near it are: vae direct." in err
    assert main(["show", "a", "b", "0", "c"]) == 2
    assert main(["show", *words, "--out", "nowhere"]) == 2


HOSTILE = "a b'; touch pwned; '$(touch pwned)\n`x`[k=\"v\"]"


def test_the_command_is_safe_in_a_shell_and_is_ours(tmp_path: Path) -> None:
    """A shell hands the words over as they were, and our own parser takes them."""
    made = row(HOSTILE, 0, 0.1, sampler="ode[steps=3]")
    text = command(made, [0, 4], "out folder")
    printed = subprocess.run(
        ["/bin/bash", "-c", f"printf '%s\\0' {text}"], cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode().split("\0")  # fmt: skip
    options = build_parser().parse_args(printed[1:-1])
    assert printed[0] == "zoo"
    assert options.names == [HOSTILE]
    assert (options.sampler, options.seeds, options.device) == (["ode[steps=3]"], 5, "cpu")
    assert options.out == Path("out folder-again")
    assert list(tmp_path.iterdir()) == []
    assert shlex.split(command(row("vae", 0, 0.1), [0], "o"))[2] == "vae"


def test_hostile_rows_move_no_cursor(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What a row says reaches the terminal as text only."""
    keep(row("vae", 0, None, reason="\x1b[2Jgone\u202e"))
    assert main(["show", "vae", "direct"]) == 0
    assert not set(capsys.readouterr().out) & {"\x1b", "\u202e"}
