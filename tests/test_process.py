"""Laws of what is seen of a child from outside: its memory, and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.harness.memory import session_memory
from zoo.harness.process import CappedLog


def fake(proc: Path, number: int, name: str, session: int, pages: tuple[int, int]) -> None:
    """A process as the system tells of it."""
    folder = proc / str(number)
    folder.mkdir()
    (folder / "stat").write_text(f"{number} ({name}) S 1 {session} {session} 0 -1 0")
    (folder / "statm").write_text(f"999 {pages[0]} {pages[1]} 0 0 0 0")


def test_memory_is_that_of_the_session(tmp_path: Path) -> None:
    """Sums over all its processes what is not mapped from files; names may hold anything."""
    fake(tmp_path, 10, "python", 10, (1_000, 200))
    fake(tmp_path, 11, "a) S 1 99 99", 10, (500, 100))
    fake(tmp_path, 12, "other", 99, (10_000, 0))
    (tmp_path / "13").mkdir()  # it has just ended
    page = os.sysconf("SC_PAGE_SIZE")
    assert session_memory(10, tmp_path) == (800 + 400) * page
    assert session_memory(77, tmp_path) == 0


def test_memory_of_this_very_session_is_plausible() -> None:
    """This process holds more than an interpreter needs, and less than there is."""
    found = session_memory(os.getsid(0))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 5e6 < found < total


FIRST_STEP = """
import sys
from importlib import import_module
from zoo.harness import process
for name in process._PRELOAD:
    import_module(name)
import torch
x, before = torch.ones(3, requires_grad=True), set(sys.modules)
optimizer = torch.optim.AdamW([x])
optimizer.zero_grad()
x.sum().backward()
optimizer.step()
print(len(set(sys.modules) - before))
"""


def test_the_first_step_of_a_training_finds_torch_loaded() -> None:
    """Of the hundreds of modules behind an optimizer hardly one is left to each training's time."""
    done = subprocess.run([sys.executable, "-c", FIRST_STEP], capture_output=True, check=True)
    assert int(done.stdout) < 10


BLOCKED = """
import multiprocessing.forkserver, signal, sys
from pathlib import Path
from zoo.harness.process import Child
child = Child(print, (), 1, Path(sys.argv[1]))
server = multiprocessing.forkserver._forkserver._forkserver_pid
status = Path(f"/proc/{server}/status").read_text()
child.end()
(mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
print(int(mask, 16) >> (signal.SIGINT - 1) & 1, len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say")
def test_the_fork_server_is_deaf_to_an_interrupt(tmp_path: Path) -> None:
    """Ctrl-C goes to all processes of a terminal; the driver, which has an answer, hears it."""
    words = [sys.executable, "-c", BLOCKED, str(tmp_path / "log")]
    done = subprocess.run(words, capture_output=True, check=True)
    assert done.stdout.split()[-2:] == [b"1", b"0"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=st.lists(st.binary(max_size=30), max_size=8), most=st.integers(0, 100))
def test_a_log_keeps_the_beginning(tmp_path: Path, parts: list[bytes], most: int) -> None:
    """However output is cut up: its first bytes are there, and a note if more came."""
    path = tmp_path / "log"
    path.unlink(missing_ok=True)
    log = CappedLog(path, most)
    for part in parts:
        log.write(part)
    printed = b"".join(parts)
    found = path.read_bytes() if path.exists() else b""
    assert found.startswith(printed[:most])
    rest = found[len(printed[:most]) :]
    assert rest.count(b"is dropped") <= 1
    if len(printed) <= most:
        assert rest == b""
    log.note("the end")
    assert path.read_bytes().endswith(b"\n[zoo] the end\n")
