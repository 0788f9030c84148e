"""`explib demo`: the whole loop in a minute, on a simulated order desk."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from explib_server.cli.serve import Learner


def demo(
    seeds: Annotated[int, typer.Option(min=2, help="Independent rounds, each with a library of its own.")] = 4,
    learner: Annotated[Learner, typer.Option(help="off: nothing is learned, so there is no gain.")] = Learner.inprocess,
    shuffle_rewards: Annotated[
        bool, typer.Option("--shuffle-rewards", help="Give attempts each other's rewards: no gain.")
    ] = False,
) -> None:
    """Attempt, submit, learn, attempt again: mean reward on tasks that were not practised, before and after."""
    from explib_server.demo.showing import show_demo

    asyncio.run(show_demo(seeds, learner.value, shuffle_rewards=shuffle_rewards))
