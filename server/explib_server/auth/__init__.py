"""Who gets in over HTTP, and how much of it: access tokens, OAuth, limits, and the gate that applies them."""
