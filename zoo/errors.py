"""What can go wrong, by whose fault it is, and the exit status that says so.

Every message is one paragraph: what is wrong with the value it got, what was expected or
exists, and what to do.
"""


class ZooError(Exception):
    """A fault with a message meant for the person at the terminal."""

    exit_status = 3


class UsageError(ZooError, ValueError):
    """The request cannot be carried out as it stands: a name, an option or a file is wrong."""

    exit_status = 2


class PluginError(ZooError):
    """A plugin broke its contract while it was being used."""

    exit_status = 1
    job_status = "error"


class InvalidError(PluginError):
    """A plugin gave something, but not what its contract promises."""

    job_status = "invalid"


class StoreError(ZooError):
    """A result could not be saved or read back."""

    exit_status = 3


class LostError(ZooError):
    """A job was lost with the process that had it, as often as it may be."""
