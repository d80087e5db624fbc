"""What machine this is, for the record that goes with every number."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import zoo
from zoo.errors import UsageError


@dataclass(frozen=True)
class Machine:
    """The machine a number was made on.

    Args:
        cpu: Model of the processor.
        cores: Processors this process may use.
        gpu: Name of the first CUDA device, or empty.
        system: Operating system and machine type.
        python: Version of Python.
        torch: Version of torch.
        zoo: Version of the zoo.
        commit: Git commit of the zoo's checkout, or empty; `+` marks uncommitted changes.
        host: Its name in the network.
    """

    cpu: str
    cores: int
    gpu: str
    system: str
    python: str
    torch: str
    zoo: str
    commit: str
    host: str = ""

    @property
    def label(self) -> str:
        """One line for a heading.

        Example:
            >>> Machine("EPYC", 2, "", "Linux x86_64", "3.11", "2.13", "0.1", "").label
            'EPYC, 2 cores, no GPU'
        """
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{self.cpu}, {cores}, {self.gpu or 'no GPU'}"


def find_device(asked: str) -> tuple[str, str]:
    """The device to use and the GPU's name.

    Args:
        asked: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: If CUDA was asked for and is not there.
    """
    if asked == "cpu" or (asked == "auto" and version("torch").endswith("+cpu")):
        return "cpu", ""
    import torch

    if torch.cuda.is_available():
        return "cuda", gpu_name()
    if asked == "cuda":
        raise UsageError(
            f"no CUDA device for --device cuda (torch {version('torch')}). "
            "Use --device cpu, or install a CUDA build of torch and a driver."
        )
    return "cpu", ""


def gpu_name() -> str:
    """Name of the first CUDA device; asking for it takes torch."""
    import torch

    name: str = torch.cuda.get_device_name()
    return name


def usual_jobs(device: str) -> int:
    """Jobs at a time where nobody says: one on a GPU, else one per core."""
    return 1 if device == "cuda" else _cores()


def can_compile() -> bool:
    """Whether there is the C++ compiler that torch would look for."""
    usual = "clang++" if platform.system() == "Darwin" else "g++"
    return shutil.which(os.environ.get("CXX", usual)) is not None


def describe(gpu: str = "") -> Machine:
    """The machine at hand.

    Args:
        gpu: Name of the CUDA device in use; asking for it takes torch, so the caller knows.
    """
    return Machine(
        cpu=_cpu_name(),
        cores=_cores(),
        gpu=gpu,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=version("torch"),
        zoo=zoo.__version__,
        commit=_commit(),
        host=platform.node(),
    )


def _cores() -> int:
    """Processors this process may use, by affinity and by its container's quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or `max`
        return cores


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def _commit() -> str:
    """Commit of the checkout this code runs from; empty for an installed package."""
    root = Path(zoo.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*", "--abbrev=12"],  # noqa: S607
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
