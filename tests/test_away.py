"""Laws of work away from home: what is shared on a host, what is sent, how much is under way."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from zoo.errors import StoreError, UsageError
from zoo.harness.alike import known
from zoo.harness.handout import Handout
from zoo.harness.hosts import own_folder, side_by_side
from zoo.harness.pantry import MOST, Pantry
from zoo.harness.parts import choices_in, replaced, results_in
from zoo.harness.stages import Sample, Train, device_of
from zoo.harness.store import Result
from zoo.registry import installed


def result(key: str, files: dict[str, bytes]) -> Result:
    """What a driver would name."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return Result("train", key, Path("/nowhere"), {"sha256": ""}, hashes, "")


def sampling() -> Sample:
    registry = installed(first_party_only=True)
    model, dataset = registry.find("model", "vae"), registry.find("dataset", "bead-spring")
    train = Train(model, dataset, result("data", {}), 0, 1, False, "cuda")
    return Sample(train, result("weights", {}), registry.find("sampler", "direct"), 10, 5)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host of this test's own."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return own_folder()


def never() -> bool:
    return False


def test_a_clock_waits_for_all_and_lets_nobody_in(host: Path) -> None:
    """Work goes side by side; who wants to be alone waits for it to end, and newcomers for him."""
    assert host.stat().st_mode & 0o077 == 0
    order: list[str] = []
    waiting, turn = threading.Event(), threading.Event()

    def clock() -> None:
        def looked() -> bool:
            waiting.set()
            return False

        with side_by_side(alone=True, cancelled=looked) as free:
            assert free
            order.append("clock")
            turn.wait(30)
            order.append("clock ends")

    def late() -> None:
        with side_by_side(alone=False, cancelled=never) as free:
            assert free
            order.append("late")

    with ThreadPoolExecutor(2) as pool:
        with side_by_side(alone=False, cancelled=never), side_by_side(alone=False, cancelled=never):
            timed = pool.submit(clock)
            waiting.wait(30)
            while not _is_held(host / "gate.lock"):
                pass
            assert not _begins_at_once()
            assert not timed.done()
            order.append("work ends")
        later = pool.submit(late)
        turn.set()
        timed.result(30)
        later.result(30)
    assert order == ["work ends", "clock", "clock ends", "late"]


def _is_held(path: Path) -> bool:
    import fcntl

    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _begins_at_once() -> bool:
    """Whether work can begin without waiting: it gives up at its second look."""
    looks: list[int] = []

    def again() -> bool:
        looks.append(1)
        return len(looks) > 1

    with side_by_side(alone=False, cancelled=again) as free:
        return free


def test_a_folder_of_somebody_else_is_refused(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files go nowhere where others may write."""
    host.chmod(0o777)
    with pytest.raises(UsageError, match="belongs to somebody else, or others may write to it"):
        own_folder()
    host.chmod(0o700)
    other = host.stat().st_uid + 1
    host.rename(host.with_name(f"zoo-{other}"))
    monkeypatch.setattr("os.getuid", lambda: other)
    with pytest.raises(UsageError, match="belongs to somebody else"):
        own_folder()


def test_what_was_sent_is_there_for_the_next_job(tmp_path: Path) -> None:
    """Files are taken once, checked against their hashes, and lie where they can be read."""
    pantry, files = Pantry(tmp_path), {"weights": b"1", "more": b""}
    one = result("a", files)
    with pantry.holding([one], {}) as places:
        assert places == {}
    with pantry.holding([one], {("train", "a"): files}) as places:
        folder = places["train", "a"]
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    with pantry.holding([one], {}) as places:
        assert places == {("train", "a"): folder}
    other = result("a", {"weights": b"2"})
    with pantry.holding([other], {}) as places:  # of the same key, and not the same
        assert places == {}
    with (
        pytest.raises(StoreError, match="what was sent as train/a is not what was kept"),
        pantry.holding([other], {("train", "a"): files}),
    ):
        pass


def test_the_pantry_keeps_what_is_used_and_lets_the_oldest_go(tmp_path: Path) -> None:
    """However many results come, a bounded number stays, and those in use are among them."""
    pantry = Pantry(tmp_path)
    first = result("first", {"x": b"x"})
    with pantry.holding([first], {("train", "first"): {"x": b"x"}}) as held:
        for number in range(MOST + 5):
            one = result(str(number), {"x": b"x"})
            with pantry.holding([one], {("train", str(number)): {"x": b"x"}}):
                pass
        shelf = [path for path in held["train", "first"].parent.iterdir() if len(path.name) == 64]
        assert len(shelf) == MOST + 1
        assert held["train", "first"] in shelf


def test_parts_of_a_stage_are_found_and_replaced() -> None:
    """However deep they lie; nothing else of the stage changes, nor its key."""
    stage = sampling()
    assert {one.key for one in results_in(stage)} == {"data", "weights"}
    labels = {choice.label for choice in choices_in(stage)}
    assert labels == {"vae", "bead-spring", "direct"}
    moved = Result("train", "data", Path("/there"), {"sha256": ""}, {}, "")
    other = replaced(stage, {("train", "data"): moved})
    assert other.train.data.folder == Path("/there")
    assert other.trained.folder == Path("/nowhere")
    assert other.key == stage.key
    assert device_of(stage) == "cuda"


def test_what_is_known_of_a_stage_names_all_that_counts() -> None:
    """Libraries, the zoo's own code, each plugin's source and each distribution's version."""
    found = known(sampling())
    assert set(found["installed"]) == {"polymer-zoo"}
    assert "torch" in found["versions"]
    assert len(found["source"]) == len(found["sampler"]["source"]) == 64


def test_no_more_than_there_is_room_for_is_under_way() -> None:
    """Pieces are made when they are needed: never more than the room, which may change."""
    made, dealt = 0, 0
    room = 3

    def pieces() -> Any:
        nonlocal made
        for number in range(200):
            made += 1
            assert made - dealt <= 10
            yield number

    with ThreadPoolExecutor(10) as pool:
        handout = Handout(pieces(), lambda n: -n, lambda: room, pool)
        found = {}
        for number, value in handout.done():
            found[number] = value
            dealt += 1
            room = 10 if dealt > 50 else 3
            assert made - dealt <= room
    assert found == {n: -n for n in range(200)}
    assert list(handout.left()) == []


def test_what_is_left_is_told_with_what_came_of_it() -> None:
    """A piece that raises ends it; those before it are dealt with, the rest is named once each."""

    def work(number: int) -> int:
        if number == 2:
            raise ArithmeticError
        return number

    with ThreadPoolExecutor(1) as pool:
        handout = Handout(iter(range(5)), work, lambda: 1, pool)
        done = []
        with pytest.raises(ArithmeticError):
            done += [number for number, _ in handout.done()]
    assert list(handout.left()) == [(2, None), (3, None), (4, None)]
