"""`explib demo`: the whole loop in a minute, on a simulated order desk."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from explib.text.words import number_of
from explib_server.cli.run import load_settings
from explib_server.cli.serve import Learner
from explib_server.demo.rounds import Plan, Round, mean_interval, play

AT_ONCE = 2
"""Rounds that run side by side."""


def demo(
    seeds: Annotated[int, typer.Option(min=2, help="Independent rounds, each with a library of its own.")] = 4,
    learner: Annotated[Learner, typer.Option(help="off: nothing is learned, so there is no gain.")] = Learner.inprocess,
    shuffle_rewards: Annotated[
        bool, typer.Option("--shuffle-rewards", help="Exchange the attempts' rewards at random: no gain.")
    ] = False,
) -> None:
    """Attempt, submit, learn, attempt again: mean reward on tasks that were not practised, before and after."""
    plan = Plan(learner=learner.value, shuffle_rewards=shuffle_rewards)
    console = Console()
    console.print(plan_text(plan, seeds, load_settings().chosen_analyst()))
    with console.status("practising, learning, trying again …"):
        rounds = asyncio.run(_play(seeds, plan))
    console.print(f"[bold]Learned in round 1[/bold] from {rounds[0].status.trajectories} trajectories:")
    console.print(rounds[0].lessons, markup=False, highlight=False)
    console.print(_table(rounds))
    console.print(_verdict(rounds))


def plan_text(plan: Plan, seeds: int, analyst: str) -> str:
    """The plan of the demo, with console markup."""
    rewards = "each other's rewards" if plan.shuffle_rewards else "their rewards"
    learning = f"background learning by the [bold]{analyst}[/bold] analyst"
    return (
        "[bold]Experience Library demo[/bold]: an order desk with conventions that no agent can know beforehand.\n"
        f"{number_of(seeds, 'round')}. In each a server over stdio, {plan.practice} tasks × {plan.attempts} attempts "
        f"of a scripted agent with {rewards}, {'no learning' if plan.learner == 'off' else learning}, "
        f"and then {plan.held_out} other tasks with what was learned.\n"
    )


async def _play(seeds: int, plan: Plan) -> list[Round]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> Round:
        async with places:
            return await play(seed, plan)

    return list(await asyncio.gather(*(one(seed) for seed in range(1, seeds + 1))))


def _table(rounds: list[Round]) -> Table:
    table = Table(title="\nMean reward on tasks that were not practised", title_justify="left")
    for column in ("round", "groups learned", "experiences", "before", "after", "gain"):
        table.add_column(column, justify="right")
    for round_ in rounds:
        table.add_row(
            str(round_.seed),
            str(round_.status.groups.get("learned", 0)),
            str(sum(count for state, count in round_.status.experiences.items() if state != "retired")),
            f"{round_.before:.2f}",
            f"{round_.after:.2f}",
            f"{round_.after - round_.before:+.2f}",
        )
    return table


def _verdict(rounds: list[Round]) -> str:
    before, *_ = mean_interval([round_.before for round_ in rounds])
    after, *_ = mean_interval([round_.after for round_ in rounds])
    gain, low, high = mean_interval([round_.after - round_.before for round_ in rounds])
    interval = f"95 % interval {low:+.2f} to {high:+.2f}"
    return f"[bold]Mean reward {before:.2f} → {after:.2f}[/bold]: gain {gain:+.2f}, {interval}"
