"""Access over HTTP: tokens, OAuth, limits, and the gate that applies them."""
