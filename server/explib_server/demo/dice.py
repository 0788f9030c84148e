"""Randomness of the simulation."""

from __future__ import annotations

from random import Random


class Dice(Random):
    """A generator that is seeded for repeatable simulations. Nothing secret may hang on it."""
