"""First-party plugins, written as a stranger would write them."""
