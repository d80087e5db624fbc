"""What tests share: scratch distributions, as pip would have left them, and an order of files."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

LONG = (
    *("test_plugins_doc", "test_conformance", "test_scaffold", "test_readme", "test_resume"),
    *("test_run", "test_villains", "test_conformance_wrong"),
)
"""Files that take long, the longest first: a worker that is left with one at the end is alone."""


def pytest_configure() -> None:
    """Hear Ctrl-C, which some tests send: what a shell has started in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files; all others stay in their order."""
    rank = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(LONG)))


@dataclass
class Install:
    """Writes distributions into a folder that stands first on `sys.path` and `PYTHONPATH`.

    Args:
        folder: A new folder.
    """

    folder: Path

    def __call__(
        self,
        distribution: str,
        code: str = "",
        *,
        version: str = "1.0",
        entry_points: str | None = None,
        folder: Path | None = None,
    ) -> Path:
        """Write one distribution of one module.

        Args:
            distribution: Its name; the module's name is the same with underscores.
            code: Text of the module, dedented.
            version: Its version.
            entry_points: Text of `entry_points.txt`; by default the module is a plugin under
                the name of the distribution.
            folder: Where to write; by default the folder on `sys.path`.

        Returns:
            The file of the module.
        """
        folder = folder or self.folder
        module = distribution.replace("-", "_").lower()
        if entry_points is None:
            entry_points = f"[zoo.plugins]\n{distribution.lower()} = {module}\n"
        info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(entry_points)
        path = folder / f"{module}.py"
        path.write_text(textwrap.dedent(code))
        importlib.invalidate_caches()
        return path


@contextmanager
def installing(folder: Path) -> Iterator[Install]:
    """Let distributions be installed into a new folder, and forget their modules afterwards."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        inherited = os.environ.get("PYTHONPATH", "")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), inherited])))
        yield Install(folder)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder.parent)):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Install scratch distributions for one test."""
    with installing(tmp_path / "site-packages") as found:
        yield found
