"""Engines: what carries out the work of a run besides the processes of this machine."""
