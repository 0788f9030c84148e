"""What `explib demo` prints: the plan, the lessons of one round, the rewards of all."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.table import Table

from explib.text.words import number_of
from explib_server.cli.run import load_settings
from explib_server.demo.interval import mean_interval
from explib_server.demo.loop import Plan, Round, play
from explib_server.mcp.server import LearnerMode

AT_ONCE = 2
"""Rounds that run side by side."""


async def show_demo(seeds: int, learner: LearnerMode, *, shuffle_rewards: bool) -> None:
    """Play the rounds and print what came of them."""
    plan = Plan(learner=learner, shuffle_rewards=shuffle_rewards)
    console = Console()
    console.print(plan_text(plan, seeds, load_settings().chosen_analyst()))
    with console.status("practising, learning, trying again …"):
        rounds = await _play(seeds, plan)
    console.print(f"[bold]Learned in round 1[/bold] from {rounds[0].status.trajectories} trajectories:")
    console.print(rounds[0].lessons, markup=False, highlight=False)
    console.print(_table(rounds))
    console.print(_verdict(rounds))


def plan_text(plan: Plan, seeds: int, analyst: str) -> str:
    """What will be done, with console markup."""
    rewards = "each other's rewards" if plan.shuffle_rewards else "their rewards"
    learning = f"background learning by the [bold]{analyst}[/bold] analyst"
    return (
        "[bold]Experience Library demo[/bold]: an order desk with conventions that no agent can know beforehand.\n"
        f"{number_of(seeds, 'round')}. In each a server over stdio, {plan.practice} tasks × {plan.attempts} attempts "
        f"of a scripted agent with {rewards}, {'no learning' if plan.learner == 'off' else learning}, "
        f"and then {plan.held_out} other tasks with what was learned.\n"
    )


async def _play(seeds: int, plan: Plan) -> list[Round]:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> Round:
        async with free:
            return await play(seed, plan)

    return list(await asyncio.gather(*(one(seed) for seed in range(1, seeds + 1))))


def _table(rounds: list[Round]) -> Table:
    table = Table(title="\nMean reward on tasks that were not practised", title_justify="left")
    for column in ("round", "groups learned", "experiences", "before", "after", "gain"):
        table.add_column(column, justify="right")
    for each in rounds:
        table.add_row(
            str(each.seed),
            str(each.status.groups.get("learned", 0)),
            str(sum(count for state, count in each.status.experiences.items() if state != "retired")),
            f"{each.before:.2f}",
            f"{each.after:.2f}",
            f"{each.after - each.before:+.2f}",
        )
    return table


def _verdict(rounds: list[Round]) -> str:
    before, *_ = mean_interval([each.before for each in rounds])
    after, *_ = mean_interval([each.after for each in rounds])
    gain, low, high = mean_interval([each.after - each.before for each in rounds])
    interval = f"95 % interval {low:+.2f} to {high:+.2f}"
    return f"[bold]Mean reward {before:.2f} → {after:.2f}[/bold]: gain {gain:+.2f}, {interval}"
