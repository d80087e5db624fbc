"""Somebody else's machine: an environment with the zoo in it, and no network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

COMMANDS = {
    "mypy": "mypy.__main__:console_entry",
    "pip": "pip._internal.cli.main:main",
    "pytest": "pytest:main",
    "zoo": "zoo.cli:main",
}
"""What such an environment has in its `bin`, as pip would have left it there."""

HERE = Path(sys.executable).parent
"""Where commands lie that are no Python, such as ruff."""


@dataclass(frozen=True)
class Stranger:
    """An environment that sees all that is installed here; what it installs, it alone sees.

    Args:
        folder: Where its commands run.
        bin: Where they lie.
    """

    folder: Path
    bin: Path

    def run(self, script: str) -> str:
        """Run lines of a shell, all of which must succeed; give what they print."""
        env = os.environ | {
            "PATH": os.pathsep.join([str(self.bin), str(HERE), os.environ["PATH"]]),
            "MYPY_CACHE_DIR": str(self.bin.parent / "mypy"),  # torch is read once for all
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # to pip, 0 says that there is none
            "PIP_NO_INDEX": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
        }
        done = subprocess.run(
            ["bash", "-e", "-c", script],  # noqa: S607 - a shell as the reader has it
            cwd=self.folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def arrive(folder: Path) -> Stranger:
    """Make an environment, and an empty folder to work in.

    Args:
        folder: A new folder for both.
    """
    home = folder / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    paths = sysconfig.get_paths("venv", vars={"base": str(home), "platbase": str(home)})
    here = sysconfig.get_path("purelib")
    # Unlike PYTHONPATH this also follows the links of what is installed in place.
    (Path(paths["purelib"]) / "zoo.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    scripts = Path(paths["scripts"])
    for command, entry in COMMANDS.items():
        module, _, function = entry.partition(":")
        script = scripts / command
        script.write_text(
            f"#!{scripts / 'python'}\nimport sys\nfrom {module} import {function}\n"
            f"sys.exit({function}())\n"
        )
        script.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    return Stranger(work, scripts)
