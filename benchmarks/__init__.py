"""Side-by-side measurements behind the claims of the README and the docs."""
