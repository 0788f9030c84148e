"""Attempts as people read them: a line in a list, and a page with every step."""

from __future__ import annotations

import json
from collections.abc import Iterator

from explib.models.trajectories import Attempt, Step, Trajectory
from explib.text.words import number_of
from explib_learner.grammar.failures import failed
from explib_server.render.times import when

TASK_CHARACTERS = 80


def attempt_line(attempt: Trajectory) -> str:
    """One attempt in a line: id, when, reward, who, task."""
    who = "/".join(filter(None, (attempt.agent, attempt.model)))
    parts = (attempt.id, when(attempt.created_at), reward_of(attempt), who, _short(attempt.task))
    return "  ".join(filter(None, parts))


def reward_of(attempt: Trajectory) -> str:
    """The reward, with who says so."""
    if attempt.reward is None:
        return "no reward"
    signed = ", signed" if attempt.signed_by else ""
    return f"{attempt.reward:g} ({attempt.reward_source or 'unknown source'}{signed})"


def attempt_page(attempt: Attempt) -> str:
    """One attempt with its steps, as Markdown."""
    head, steps = attempt.trajectory, attempt.steps
    shown = "\n\n".join(_step(number, step) for number, step in enumerate(steps, start=1))
    return f"# {head.id}\n{head.task}\n\n" + "\n".join(_facts(head, steps)) + f"\n\n## Steps\n{shown or 'pruned'}"


def _facts(head: Trajectory, steps: tuple[Step, ...]) -> Iterator[str]:
    errors = sum(step.role == "tool" and failed(step.text, flagged=step.is_error) for step in steps)
    yield f"- stored {when(head.created_at)}; {number_of(len(steps), 'step')}, {number_of(errors, 'error')}"
    yield f"- reward: {reward_of(head)}"
    yield f"- group: {head.group_id}"
    named = ("feedback", "answer", "ground_truth", "agent", "model", "retrieval_id", "idempotency_key", "submitter")
    for name in named:
        if (value := getattr(head, name)) is not None:
            yield f"- {name.replace('_', ' ')}: {value}"
    yield f"- {number_of(head.redactions, 'secret')} redacted"


def _step(number: int, step: Step) -> str:
    mark = ", failed" if step.role == "tool" and failed(step.text, flagged=step.is_error) else ""
    answers = f" to {step.answers_call}" if step.answers_call else ""
    calls = [f"→ {call.name}({json.dumps(call.arguments, ensure_ascii=False)}) [{call.id}]" for call in step.calls]
    return "\n".join([f"{number}. {step.role}{answers}{mark}", *([step.text] if step.text else []), *calls])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TASK_CHARACTERS else line[:TASK_CHARACTERS] + "…"
