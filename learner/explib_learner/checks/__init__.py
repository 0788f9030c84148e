"""Checks between a proposal and a library; each refuses with a reason."""
