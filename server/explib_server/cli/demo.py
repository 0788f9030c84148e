"""`explib demo`: the whole loop in a minute, on a simulated order desk."""

from __future__ import annotations

import asyncio
from textwrap import fill
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from explib.text.words import number_of
from explib_server.cli.serve import Learner
from explib_server.demo.rounds import Plan, Round, mean_interval, play
from explib_server.program import load_settings

AT_ONCE = 2
"""Rounds that run side by side."""
CONTROLS = "explib demo --learner off · explib demo --shuffle-rewards"

SEEN_ANYWAY = "A refused call that another call cured is learned without rewards.\n"


def demo(
    seeds: Annotated[int, typer.Option(min=2, help="Independent rounds, each with a library of its own.")] = 4,
    learner: Annotated[Learner, typer.Option(help="off: nothing is learned, so there is no gain.")] = Learner.inprocess,
    shuffle_rewards: Annotated[
        bool, typer.Option("--shuffle-rewards", help="Exchange the attempts' rewards at random: hardly a gain.")
    ] = False,
) -> None:
    """Attempt, submit, learn, attempt again: mean reward on tasks that were not practised, before and after."""
    plan = Plan(learner="off" if learner is Learner.off else "inprocess", shuffle_rewards=shuffle_rewards)
    console = Console(highlight=False)
    console.print(plan_text(plan, seeds, load_settings().chosen_analyst()))
    with console.status("practising, learning, trying again …"):
        rounds = asyncio.run(_play(seeds, plan))
    console.print(f"[bold]Learned in round 1[/bold], from {rounds[0].status.graded} graded attempts:")
    console.print(indented(rounds[0].lessons, console.width), markup=False)
    console.print(_table(rounds))
    console.print(result_text(rounds))
    console.print(_next_steps(plan))


def plan_text(plan: Plan, seeds: int, analyst: str) -> str:
    """The plan of the demo, with console markup."""
    rewards = "[bold]other attempts' rewards[/bold]" if plan.shuffle_rewards else "its reward, 0 to 1"
    learning = "Nobody learns" if plan.learner == "off" else f"A learner ({analyst}) looks for what made the difference"
    return (
        "[bold]Experience Library demo[/bold]\n"
        f"An order desk has conventions that no agent can know beforehand. "
        f"{number_of(seeds, 'round')}, in each:\n"
        f"  1. A scripted agent attempts {plan.lone} tasks once and {plan.repeated} tasks {plan.attempts} times, over "
        f"MCP,\n     and submits each attempt with {rewards}.\n"
        f"  2. {learning}.\n"
        f"  3. The same agent does {plan.held_out} other tasks, with what get_experiences answers.\n"
    )


def indented(lessons: str, width: int) -> str:
    """A library as text without its heading, wrapped so that each lesson can be told from its numbers."""
    lines = lessons.splitlines()[1:] or ["nothing"]
    return "\n".join(
        fill(line.strip(), width, initial_indent="      " if line.startswith(" ") else "", subsequent_indent="      ")
        for line in lines
    )


async def _play(seeds: int, plan: Plan) -> list[Round]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> Round:
        async with places:
            return await play(seed, plan)

    return list(await asyncio.gather(*(one(seed) for seed in range(1, seeds + 1))))


def _table(rounds: list[Round]) -> Table:
    table = Table(title="\nMean reward on tasks that were not practised", title_justify="left")
    for column in ("round", "lessons", "before", "after", "gain"):
        table.add_column(column, justify="right")
    for round_ in rounds:
        table.add_row(
            str(round_.seed),
            str(round_.status.experiences.get("active", 0)),
            f"{round_.before:.2f}",
            f"{round_.after:.2f}",
            f"{round_.after - round_.before:+.2f}",
        )
    return table


def result_text(rounds: list[Round]) -> str:
    """The gain over all rounds with its interval, with console markup."""
    before, *_ = mean_interval([round_.before for round_ in rounds])
    after, *_ = mean_interval([round_.after for round_ in rounds])
    gain, low, high = mean_interval([round_.after - round_.before for round_ in rounds])
    verdict = "" if low > 0 else "\nThe interval holds 0: nothing was gained that chance could not give."
    return (
        f"[bold]Mean reward {before:.2f} → {after:.2f}: gain {gain:+.2f}[/bold] "
        f"(95 % interval {low:+.2f} to {high:+.2f}){verdict}"
    )


def _next_steps(plan: Plan) -> str:
    usual = plan.learner != "off" and not plan.shuffle_rewards
    control = "Without learning nothing is gained, with exchanged rewards hardly anything:"
    control = control if usual else f"{SEEN_ANYWAY if plan.shuffle_rewards else ''}With learning:"
    return (
        f"\n{control}\n  {CONTROLS if usual else 'explib demo'}\n"
        "Let your own agent learn:\n  explib attach claude-code   (or codex, cursor, vscode, gemini, …)\n"
        "Learn from logs that you have:\n  explib import runs.jsonl && explib learn --once && explib experiences list"
    )
