"""The tests, a file per module of `zoo` and per kind of plugin."""
