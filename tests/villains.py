"""Ten plugins that do harm, each a distribution of one model, and what is to become of them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

MENU = """
    import ctypes, os, signal, subprocess, sys, threading, time
    import zoo

    @zoo.hookimpl
    def zoo_models():
        yield zoo.ModelSpec(api=1, name="NAME", factory="MODULE:Villain", summary="does harm",
                            offers={"draw"})

    def __getattr__(name):
        if name != "Villain":
            raise AttributeError(name)
        import torch

        class Honest(zoo.OneShot):
            def __init__(self, shape):
                super().__init__()
                self.shape = shape
                self.scale = torch.nn.Parameter(torch.ones(()))
            def loss(self, x):
                return (x.square().mean() / self.scale.exp() + self.scale).mean()
            def draw(self, n):
                return torch.randn(n, *self.shape).cumsum(1)

        class Villain(Honest):
BODY
        return Villain
"""


@dataclass(frozen=True)
class VillainPlugin:
    """A plugin that does harm.

    Args:
        name: What its model is called.
        body: The methods of its model.
        status: The status its row gets.
        reason: What stands in the row's reason.
        flags: The row's flags.
    """

    name: str
    body: str
    status: str
    reason: str = ""
    flags: tuple[str, ...] = ()

    @property
    def distribution(self) -> str:
        """The distribution it comes in."""
        return f"zoo-{self.name}"

    @property
    def code(self) -> str:
        """Text of its module."""
        body = textwrap.indent(textwrap.dedent(self.body).strip(), " " * 12)
        module = self.distribution.replace("-", "_")
        text = MENU.replace("NAME", self.name).replace("MODULE", module)
        return textwrap.dedent(text.replace("BODY", body))


VILLAINS = (
    VillainPlugin(
        "raises",
        "def loss(self, x): raise RuntimeError('=cmd() \\x1b[31m too hot')",
        "error",
        "RuntimeError: =cmd() �[31m too hot",
    ),
    VillainPlugin(
        "leaves",
        "def loss(self, x): os._exit(0)",
        "crashed",
        "ended with status 0 and no result",
    ),
    VillainPlugin(
        "breaks",
        "def loss(self, x): ctypes.string_at(0)",
        "crashed",
        "signal 11 (SIGSEGV)",
    ),
    VillainPlugin(
        "forks",
        """
        def loss(self, x):
            words = ["-c", "import time; time.sleep(600)", "orphan", __file__]
            subprocess.Popen([sys.executable, *words])
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        "crashed",
        "signal 9 (SIGKILL)",
    ),
    VillainPlugin(
        "stubborn",
        """
        def loss(self, x):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(0.01)
        """,
        "timeout",
        "stopped after",
    ),
    VillainPlugin(
        "deafening",
        """
        def draw(self, n):
            def shout():
                while True:
                    os.write(1, b"x" * 65536)
            threading.Thread(target=shout).start()
            while True:
                os.write(2, b"y" * 65536)
        """,
        "timeout",
        "stopped after",
    ),
    VillainPlugin(
        "hungry",
        """
        def loss(self, x):
            self.stolen = []
            while True:
                self.stolen.append(b"x" * 50_000_000)
        """,
        "oom",
        "GB are allowed",
    ),
    VillainPlugin(
        "nan",
        "def draw(self, n): return super(Villain, self).draw(n) * float('nan')",
        "invalid",
        "hold NaN",
    ),
    VillainPlugin(
        "flat",
        "def draw(self, n): return super(Villain, self).draw(n).flatten(1)",
        "invalid",
        "(n, beads, dim)",
    ),
    VillainPlugin(
        "moody",
        """
        def draw(self, n):
            seed = int.from_bytes(os.urandom(4), "big")
            generator = torch.Generator().manual_seed(seed)
            return torch.randn(n, *self.shape, generator=generator).cumsum(1)
        """,
        "ok",
        flags=("nondeterministic",),
    ),
)
