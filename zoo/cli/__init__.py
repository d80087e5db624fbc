"""The command line: the only room that prints.

Results go to standard output, progress and errors to standard error. Heavy imports wait
inside the commands, so that help and listings answer at once.
"""

from zoo.cli.main import main

__all__ = ["main"]
