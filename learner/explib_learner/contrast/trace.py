"""An attempt as the sequence of its calls, the errors it met and its answer: what the events are read from.

Texts of steps are untrusted: only whether they report an error and what form the answer has is taken from them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from explib.models.trajectories import Attempt, Step, ToolCall

_ERROR_TEXT = re.compile(
    r"""\s*(?:
        [\[(<*"'#]{0,3}\s?(?:error|exception|failed|failure)\b
        | traceback\ \(most\ recent
        | [\w.]*(?:Error|Exception):
        | \{\s*"(?:error|errors|exception)"\s*:(?!\s*(?:null|false|""|\[\s*\]|\{\s*\}))
        | \{\s*"(?:is_error|isError)"\s*:\s*true
        | \{\s*"(?:success|ok)"\s*:\s*false
        | \{\s*"status"\s*:\s*"(?:error|failed|failure)"
    )""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call in the order of the attempt."""

    tool: str
    arguments: frozenset[str]
    """Names only: a value could give the answer away."""
    fingerprint: str
    """Equal for two calls exactly if tool and arguments are equal."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """A call whose result was an error, and the call that was made next (None: the attempt made no other)."""

    failed: Call
    following: Call | None


@dataclass(frozen=True, slots=True)
class Story:
    """What the events of one attempt are read from."""

    calls: tuple[Call, ...]
    mishaps: tuple[Mishap, ...]
    answer: str | None
    ends_with_text: bool | None
    """Whether the agent's last step is text without a call; None if the agent has no step."""

    @property
    def tools(self) -> frozenset[str]:
        """The names of the tools that were called."""
        return frozenset(call.tool for call in self.calls)


def is_error(step: Step) -> bool:
    """Whether a tool's result reports an error: by its flag, or by how its text begins."""
    return step.is_error or _ERROR_TEXT.match(step.text[:500]) is not None


def read_story(attempt: Attempt) -> Story:
    """The story of one attempt."""
    calls: list[Call] = []
    answerable: dict[str, int] = {}
    failures: list[tuple[int, int]] = []
    agent_steps = [step for step in attempt.steps if step.role == "assistant"]
    for step in attempt.steps:
        for call in step.calls:
            answerable[call.id] = answerable[call.name] = len(calls)
            calls.append(_call(call))
        if step.role == "tool" and calls and is_error(step):
            failures.append((answerable.get(step.answers_call or "", len(calls) - 1), len(calls)))
    mishaps = tuple(Mishap(calls[at], calls[then] if then < len(calls) else None) for at, then in failures)
    return Story(
        calls=tuple(calls),
        mishaps=mishaps,
        answer=_answer(attempt, agent_steps),
        ends_with_text=not agent_steps[-1].calls if agent_steps else None,
    )


def _call(call: ToolCall) -> Call:
    fingerprint = json.dumps([call.name, call.arguments], sort_keys=True)
    return Call(call.name, frozenset(call.arguments), fingerprint)


def _answer(attempt: Attempt, agent_steps: list[Step]) -> str | None:
    """The answer that was handed in, else the agent's last text."""
    if attempt.trajectory.answer and attempt.trajectory.answer.strip():
        return attempt.trajectory.answer.strip()
    texts = [step.text.strip() for step in agent_steps if step.text.strip()]
    return texts[-1] if texts else None
