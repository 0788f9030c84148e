"""The worlds by name."""

from learning.world import World
from learning.worlds import clinic, expenses, laboratory, order_desk, repository

WORLDS: dict[str, World] = {
    world.name: world for world in (order_desk.WORLD, repository.WORLD, clinic.WORLD, laboratory.WORLD, expenses.WORLD)
}
