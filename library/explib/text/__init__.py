"""Words in every script, and the secrets that are taken out of them."""
