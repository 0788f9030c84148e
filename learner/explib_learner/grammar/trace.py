"""An attempt as predicates see it: calls in order with arguments, parsed answers and failures, the final answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall
from explib_learner.grammar.commands import command_text, commands
from explib_learner.grammar.failures import failed
from explib_learner.grammar.records import Parsed, Scalar, flat, parsed

MAX_CALLS = 300
"""Calls of one attempt that are looked at: the rest of a longer one is left out."""

_NOTHING = Parsed((), ())


@dataclass(frozen=True, slots=True)
class Call:
    """One call, or one simple command of a call of a shell."""

    name: str
    arguments: Mapping[str, Scalar]
    """Scalars by path, and lengths of lists as `#path`."""
    step: int
    """Position of the agent's message: calls of one message were made at once."""
    text: str
    """The answer as it was given."""
    answer: Parsed
    failed: bool
    fingerprint: str
    """Equal for two calls exactly if name and arguments are equal."""


@dataclass(frozen=True, slots=True)
class AttemptTrace:
    """One attempt, without its reward."""

    trajectory_id: str
    task: str
    calls: tuple[Call, ...]
    answer: str
    """The answer that was handed in, else the agent's last text; empty where there is none."""


def trace_of(attempt: Attempt) -> AttemptTrace:
    """Read one attempt. Never raises: what cannot be parsed is text."""
    results = _results(attempt.steps)
    calls: list[Call] = []
    for at, step in enumerate(attempt.steps):
        for position, call in enumerate(step.calls):
            if len(calls) < MAX_CALLS:
                calls.extend(_calls(call, at, results.get((at, position))))
    return AttemptTrace(attempt.trajectory.id, attempt.trajectory.task, tuple(calls), final_answer(attempt))


def final_answer(attempt: Attempt) -> str:
    """The answer that was handed in, else the agent's last text."""
    handed_in = (attempt.trajectory.answer or "").strip()
    if handed_in:
        return handed_in
    texts = [step.text.strip() for step in attempt.steps if step.role == "assistant" and step.text.strip()]
    return texts[-1] if texts else ""


def _results(steps: tuple[Step, ...]) -> dict[tuple[int, int], Step]:
    """The result of each call, by the position of its message and its position in there."""
    waiting: dict[str, list[tuple[int, int]]] = {}
    last: tuple[int, int] | None = None
    results: dict[tuple[int, int], Step] = {}
    for at, step in enumerate(steps):
        for position, call in enumerate(step.calls):
            last = (at, position)
            for name in {call.id, call.name}:
                waiting.setdefault(name, []).append(last)
        if step.role != "tool":
            continue
        places = [place for place in waiting.get(step.answers_call or "", ()) if place not in results]
        place = places[0] if places else last
        if place is not None:
            results.setdefault(place, step)
    return results


def _calls(call: ToolCall, at: int, result: Step | None) -> list[Call]:
    text = result.text if result is not None else ""
    lost = result is not None and failed(text, flagged=result.is_error)
    shell = command_text(call.arguments)
    simple = commands(shell) if shell is not None else ()
    if not simple:
        return [_call(call.name, call.arguments, at, text, lost=lost)]
    *before, last = simple
    quiet = [_call(command.name, command.arguments, at, "", lost=False) for command in before]
    return [*quiet, _call(last.name, last.arguments, at, text, lost=lost)]


def _call(name: str, arguments: Mapping[str, Json], at: int, text: str, *, lost: bool) -> Call:
    fingerprint = json.dumps([name, dict(arguments)], sort_keys=True)
    answer = parsed(text) if text else _NOTHING
    return Call(name, flat(arguments), at, text, answer, lost, fingerprint)
