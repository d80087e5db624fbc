"""Laws of a pinned download, and what is said of the lecture's trajectory, where it is at hand."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

import zoo
from zoo.errors import UsageError
from zoo.polymer import bond_lengths, radius_of_gyration
from zoo.polymer.files import read_array
from zoo.polymer.trajectories import effective_size
from zoo_plugins.datasets.dmol import FILE, Dmol
from zoo_plugins.datasets.download import Pinned, cache_folder

CONTENT = b"long paths " * 1000
PAGE = b"<!DOCTYPE html><p>rate limit exceeded"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 393476\n"


@dataclass
class Site:
    """A web site on this machine.

    Args:
        url: Of its root.
        asked: Paths that were asked for, in order.
        over: Set when the test is over.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def file(self, name: str) -> Pinned:
        """The file called so, as it should be."""
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        return Pinned("paths.npz", f"{self.url}/{name}", sha256, len(CONTENT), "toy[path='...']")


PAGES = {
    "/right": CONTENT,
    "/wrong": CONTENT[:-1] + b"!",
    "/page": PAGE,
    "/pointer": POINTER,
    "/huge": CONTENT * 500,
    "/empty": b"",
}


@pytest.fixture
def site() -> Iterator[Site]:
    """A site that serves `PAGES`, and `/slow`, which sends a byte now and then for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200 if self.path in PAGES or self.path == "/slow" else 404)
            self.end_headers()
            try:
                while self.path == "/slow" and not found.over.wait(0.02):
                    self.wfile.write(b".")
                self.wfile.write(PAGES.get(self.path, b""))
            except OSError:
                pass  # whoever asked has heard enough

        def log_message(self, *_words: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        found.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_file_is_fetched_once(site: Site, cache: Path) -> None:
    """The second time it comes from the cache, which holds nothing else."""
    file = site.file("right")
    assert file.fetch().read_bytes() == file.fetch().read_bytes() == CONTENT
    assert site.asked == ["/right"]
    assert [path.name for path in cache.iterdir()] == ["paths.npz"]


def test_a_damaged_copy_is_fetched_again(site: Site, cache: Path) -> None:
    """What lies in the cache is looked at every time."""
    file = site.file("right")
    cache.mkdir()
    (cache / "paths.npz").write_bytes(CONTENT[:500])
    assert file.fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong", [hashlib.sha256(PAGES["/wrong"]).hexdigest(), "toy[path='...']"]),
        ("page", ["it is a web page"]),
        ("pointer", ["Git LFS pointer"]),
        ("empty", ["its first 0 bytes"]),
        ("missing", ["cannot download", "404", "toy[path='...']"]),
    ],
)
def test_another_file_is_refused_and_not_kept(
    site: Site, cache: Path, name: str, words: list[str]
) -> None:
    """It is said what came instead and what was expected, and the cache stays empty."""
    file = site.file(name)
    with pytest.raises(UsageError) as caught:
        file.fetch()
    for word in words:
        assert word in str(caught.value)
    assert file.sha256 in str(caught.value) or name == "missing"
    assert not cache.exists() or not list(cache.iterdir())


def test_no_more_is_read_than_the_file_has(site: Site) -> None:
    """Of five megabytes at most a packet more than the expected eleven thousand bytes is taken."""
    with pytest.raises(UsageError, match=r"its first (\d\d),\d{3} bytes have the SHA-256"):
        site.file("huge").fetch()


def test_a_download_ends(site: Site) -> None:
    """A server that sends a byte now and then is given up when the time is over."""
    with pytest.raises(UsageError, match=r"not done after 0\.3 s"):
        replace(site.file("slow"), timeout=0.3).fetch()


def test_without_a_network_a_copy_will_do(site: Site, tmp_path: Path) -> None:
    """The error says where the file lies and how to name a copy; a copy needs no network."""
    nowhere = replace(site.file("right"), url="http://127.0.0.1:9/paths.npz")
    with pytest.raises(
        UsageError, match=r"cannot download http://127.0.0.1:9/paths.npz.*toy\[path"
    ):
        nowhere.fetch()
    copy = tmp_path / "copy.npz"
    copy.write_bytes(CONTENT)
    assert nowhere.check(copy) == copy
    assert site.asked == []


@pytest.mark.parametrize("word", ["1", "yes"])
def test_offline_nothing_is_asked_of_the_network(
    site: Site, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """A file that is not in the cache is refused with what to do; one that is there is used."""
    monkeypatch.setenv("ZOO_OFFLINE", word)
    with pytest.raises(UsageError, match=r"--offline or ZOO_OFFLINE forbids.*toy\[path"):
        site.file("right").fetch()
    assert site.asked == []
    monkeypatch.setenv("ZOO_OFFLINE", "0")
    kept = site.file("right").fetch()
    monkeypatch.setenv("ZOO_OFFLINE", word)
    assert site.file("right").fetch() == kept


def test_the_cache_is_where_others_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ZOO_CACHE it follows XDG_CACHE_HOME if absolute, and else lies in the home folder."""
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/ada")
    assert cache_folder() == Path("/var/ada/polymer-zoo")
    monkeypatch.setenv("XDG_CACHE_HOME", "ada")
    assert cache_folder() == Path("/home/ada/.cache/polymer-zoo")


@pytest.fixture
def real() -> Path:
    """A copy of the lecture's file, whose licence keeps it out of this repository."""
    beside = Path(zoo.__file__).parents[2] / "shared" / "data" / FILE.name
    path = Path(os.environ.get("ZOO_TEST_DATA", beside))
    if not path.is_file():
        pytest.skip(f"no copy of {FILE.name}; name one in the environment variable ZOO_TEST_DATA")
    return path


def test_what_is_said_of_the_trajectory_holds(real: Path) -> None:
    """2,048 frames worth 400 in Rg, which drifts, as the lengths of the bonds do."""
    x = torch.from_numpy(read_array(FILE.check(real)))
    assert x.shape == (2048, 12, 2)
    rg = radius_of_gyration(x)
    assert [round(float(half.mean()), 2) for half in rg.split(1024)] == [1.02, 1.19]
    assert effective_size(x) == pytest.approx(400, rel=0.01)
    bonds = [float(part.mean()) for part in bond_lengths(x).split(512)]
    assert bonds == sorted(bonds)


def test_training_and_test_frames_are_alike_and_apart(real: Path) -> None:
    """Their mean Rg differs less than between the parts of a single cut; none is in both."""
    train, test = Dmol(path=str(real)).split()
    x = torch.from_numpy(read_array(real))
    cut = 1638
    apart, drift = (
        abs(float(radius_of_gyration(a).mean() - radius_of_gyration(b).mean()))
        for a, b in ((train, test), (x[:cut], x[cut:]))
    )
    assert drift == pytest.approx(1.222 - 1.077, abs=0.01)
    assert apart < drift / 4
    assert not (train.flatten(1)[:, None] == test.flatten(1)).all(dim=2).any()
    assert train.mean(dim=1).abs().max() < 1e-5
