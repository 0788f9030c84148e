"""The worlds by name."""

from learning.world import World
from learning.worlds import clinic, expenses, laboratory, museum, oncall, order_desk, repository

DEVELOPED_ON: tuple[World, ...] = (
    order_desk.WORLD,
    repository.WORLD,
    clinic.WORLD,
    laboratory.WORLD,
    expenses.WORLD,
)
"""Worlds that families and thresholds of the grammar were chosen on."""
REPORTED: tuple[World, ...] = (oncall.WORLD, museum.WORLD)
"""Worlds that are only reported on: what they show is not put right in the grammar."""

WORLDS: dict[str, World] = {world.name: world for world in (*DEVELOPED_ON, *REPORTED)}
