"""What is said of a run before it begins: what it will do, what that can show, and what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from explib.text.words import number_of
from explib_server.practice.depth import read_depth
from explib_server.practice.plan import Options, Plan
from explib_server.practice.prices import Spent, rollouts_cost, usd_of
from explib_server.practice.tasks import PracticeTask

GUESSED_ANSWER = 1_000
"""Tokens that a rollout is guessed to write before one has been seen."""
GUESSED_LESSONS = 600
GUESSED_JUDGEMENT = 200
CHARACTERS_PER_TOKEN = 4
DETECTS = 2.8
"""Standard errors of a gain that is found in 80 % of runs by a 95 % interval: 1.96 + 0.84."""
SPREAD_BINARY, SPREAD_GRADED = 0.5, 0.23
"""Standard deviations of a reward that is passed or failed, and of a share of some five checks."""


def guess(plan: Plan, tasks: Sequence[PracticeTask]) -> Spent | None:
    """What one rollout may cost, before one was seen; None where that is not to be guessed."""
    if plan.options.agent or not plan.options.model:
        return None
    characters = sum(len(task.input) for task in tasks) / max(len(tasks), 1)
    asked = round(characters / CHARACTERS_PER_TOKEN) + GUESSED_LESSONS
    calls = read_depth(plan.options.solver).first_calls if plan.options.solver else 1
    each = _guessed(plan.options.model, calls * asked, calls * GUESSED_ANSWER)
    if plan.reward_source == "judge":
        each += _guessed(plan.options.judge or plan.options.model, asked + GUESSED_ANSWER, GUESSED_JUDGEMENT)
    return each


def _guessed(model: str, tokens_in: int, tokens_out: int) -> Spent:
    return Spent(tokens_in + tokens_out, usd_of(model, tokens_in, tokens_out))


def detectable_gain(pairs: int, spread: float) -> float:
    """The gain that so many pairs show in 80 % of runs, as a share of the range."""
    return DETECTS * spread * sqrt(2 / max(pairs, 1))


def plan_text(plan: Plan, each: Spent | None, done: int) -> str:
    """What will be done, in lines for a person."""
    options, lines = plan.options, [f"run {plan.run}, library {plan.library}"]
    who = options.agent or options.model or "the model of the Inspect task"
    if plan.practised:
        lines.append(
            f"practise {number_of(len(plan.tasks), 'task')} × {number_of(options.rollouts, 'rollout')} × "
            f"{number_of(options.epochs, 'epoch')} = {plan.practised}, in batches of {options.batch}, by {who}; "
            "learning after each batch"
        )
    if options.control:
        lines.append("control: rewards are shuffled within each batch, in a library of its own")
    if plan.held_out:
        pairs = len(plan.held_out) * options.rollouts
        lines.append(
            f"prove on {number_of(len(plan.held_out), 'task')}: {pairs} pairs, {_compared(options)}; shows a "
            f"gain of {detectable_gain(pairs, SPREAD_BINARY):.2f} (pass or fail) or "
            f"{detectable_gain(pairs, SPREAD_GRADED):.2f} (several checks) of the range in 4 of 5 runs"
        )
    if options.halves:
        lines.append(
            f"halves: {number_of(options.halves, 'rollout')} on these tasks with one half of the lessons or the other, "
            "to find those that harm"
        )
    weaker = "" if plan.reward_source == "environment" else f" (source {plan.reward_source}: it counts for less)"
    lines.append(f"graded by {plan.scorer or options.grade or 'the scorer of the Inspect task'}{weaker}")
    if done:
        lines.append(f"goes on: {done} of {plan.practised + plan.proved} rollouts are finished already")
    lines.append(_cost_text(plan, each, plan.practised + plan.proved - done))
    return "\n".join(lines)


def _compared(options: Options) -> str:
    if options.gate:
        return f"the lessons of {options.gate.file} here and at {options.gate.base}, where they differ"
    if options.lesson:
        return f"with and without {options.lesson}, where it fits"
    return "all lessons against those that need no rewards" if options.control else "with and without the library"


def _cost_text(plan: Plan, each: Spent | None, left: int) -> str:
    bound = f"; at most {plan.options.budget}" if plan.options.budget else ""
    if each is None:
        return f"cost: not known before the first batch{bound}"
    return f"cost: about {rollouts_cost(left, each)} for {number_of(left, 'rollout')}, learning not counted{bound}"
