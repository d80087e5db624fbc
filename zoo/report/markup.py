"""HTML in one file: it loads nothing, and whatever somebody called a model stays text."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import zoo
from zoo.wording import printable

_HERE = Path(__file__).parent


def fill(template: str, **values: object) -> str:
    """A template of this folder, filled in, with our style and script and a policy for no others.

    Args:
        template: Its name; it extends `frame.html`.
        values: What it names, and `title`.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_text,
    )
    css, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template(template).render(
        css=css,
        script=script,
        css_hash=_hash(css),
        script_hash=_hash(script),
        version=zoo.__version__,
        **values,
    )


def _text(value: object) -> object:
    """Plain text without what would turn the direction of writing around it."""
    if type(value) is str and not value.isprintable():
        return "\n".join(printable(line) for line in value.split("\n"))
    return value


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
