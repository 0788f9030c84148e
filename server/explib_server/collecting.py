"""How often a server looks for garbage in cycles."""

from __future__ import annotations

import gc

ALLOCATED = 20_000
"""An answer makes hundreds of objects, none in a cycle: Python's 700 would mean a search with every other answer."""


def raise_gc_threshold() -> None:
    """For this process, until its end."""
    gc.set_threshold(ALLOCATED)
