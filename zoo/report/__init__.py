"""From a results folder to what people look at: tidy records, figures, one page.

`records` reads what is kept, `figures` and the modules behind it draw it, `page` puts it into one
file, `results` is the same for a notebook. Nothing is trained, scored or timed here. Only `cli`
and the front door come in; importing this module alone costs nothing heavy.
"""

FIGURE_NAMES = ("fidelity", "rg", "bonds", "ree", "energy", "gallery", "calls", "training")
"""What `zoo plot` can draw, in the order of the page."""

FILE_FIGURE_NAMES = ("film", "latent", "guided")
"""What it can draw of files that `zoo sample --trajectory`, `zoo latent` and `zoo guide` write."""

FIGURE_FORMATS = ("svg", "png", "pdf")
"""What a figure can be written as."""
