"""How a turn went, by what its transcript shows: its last checks, else the person's next words or an interruption."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from explib.models.trajectories import RewardSource, Step, ToolCall
from explib_learner.grammar.commands import command_text
from explib_server.importers.sessions.checks import Check, check
from explib_server.importers.sessions.edits import edits
from explib_server.importers.sessions.reactions import Reaction

_REFUSED = re.compile(
    r"The user doesn't want to (?:proceed with|take) this (?:tool use|action)|User rejected|aborted by user"
    r"|The user rejected permission|\[Operation Cancelled\]|Tool call was cancelled by user|denied by the user",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a turn."""

    steps: Sequence[Step]
    exits: Mapping[str, int]
    """Exit codes of shell commands by the ids of their calls."""
    is_interrupted: bool = False
    is_taken_back: bool = False
    reaction: Reaction | None = None
    """What the person's next words say of it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reward with its source and reason."""

    reward: float
    source: RewardSource
    sentence: str


def evidence(known: Known) -> Evidence | None:
    """The reward of a turn; None where nothing tells how it went. A check outweighs what is inferred."""
    inferred = _inferred(known)
    found = verdict(checks_after_edits(known.steps, known.exits))
    if found is None:
        return inferred
    done = "passed" if found.passed else "failed"
    sentence = f"The last check after the last edit, `{found.words}`, {done} with exit code {found.exit_code}."
    more = f" {known.reaction.sentence}" if known.reaction is not None else ""
    return Evidence(float(found.passed), "test", sentence + more)


def verdict(checks: Sequence[Check]) -> Check | None:
    """The last check; a test that failed is not made good by a lint or a build behind it."""
    if not checks:
        return None
    tests = [each for each in checks if each.kind == "test"]
    return tests[-1] if checks[-1].passed and tests and not tests[-1].passed else checks[-1]


def checks_after_edits(steps: Sequence[Step], exits: Mapping[str, int]) -> list[Check]:
    """The checks that ran after the last edit, in their order."""
    results = {step.answers_call: step for step in steps if step.role == "tool"}
    found: list[Check] = []
    for call in (call for step in steps for call in step.calls):
        result = results.get(call.id)
        if edits(call, None if result is None else result.is_error):
            found.clear()
        line = command_text(call.arguments)
        made = check(line, exits[call.id], result.text) if line and result is not None and call.id in exits else None
        if made is not None:
            found.append(made)
    return found


def _inferred(known: Known) -> Evidence | None:
    if known.reaction is not None:
        return Evidence(known.reaction.reward, "inferred", known.reaction.sentence)
    if known.is_taken_back:
        return Evidence(0.0, "inferred", "The person went back to before this request and asked anew.")
    if known.is_interrupted:
        return Evidence(0.0, "inferred", "The person interrupted the agent.")
    refused = next(_refusals(known.steps), None)
    return None if refused is None else Evidence(0.0, "inferred", f"The person refused a call of {refused.name}.")


def _refusals(steps: Sequence[Step]) -> Iterator[ToolCall]:
    refused = {step.answers_call for step in steps if step.role == "tool" and _REFUSED.search(step.text[:400])}
    yield from (call for step in steps for call in step.calls if call.id in refused)
