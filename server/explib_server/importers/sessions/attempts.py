"""A turn as an attempt: its steps without what is ours, and its reward, group and retrieval as the transcript tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from explib.models.trajectories import Step
from explib.retrieval.retriever import MAX_TASK_CHARACTERS
from explib.trajectories import Reading, read_trajectory
from explib_server.importers.records import Draft
from explib_server.importers.sessions.evidence import Known, evidence
from explib_server.importers.sessions.own import request_in, without_own
from explib_server.importers.sessions.reactions import Reaction, reaction
from explib_server.importers.sessions.shortening import cut, shortened
from explib_server.importers.sessions.turns import Turn

NO_LIMIT = 1 << 62
"""Bytes of a turn that is read: it is shortened after that."""
FIRST_MESSAGES, LAST_MESSAGES = 100, 5_000
"""Of a turn that are read; what lies between is left out."""


@dataclass(frozen=True, slots=True)
class Said:
    """What followed a request, in any shape that trajectories may have."""

    messages: Sequence[object]
    exits: Mapping[str, int] = field(default_factory=dict)
    """Exit codes of shell commands by the ids of their calls, where the client tells them."""


def attempt(turn: Turn, following: Turn | None, said: Said, agent: str, position: str) -> Draft | None:
    """The attempt of a turn that was followed by another one or not yet; None where the agent did nothing.

    A correction puts the turn that follows in the same group. Raises InvalidInput where its messages can't be read.
    """
    if not any(isinstance(item, Mapping) and item.get("role") != "user" for item in said.messages):
        return None
    words = request_in(turn.words)
    if words is None:
        return None
    messages = [*said.messages[:FIRST_MESSAGES], *said.messages[FIRST_MESSAGES:][-LAST_MESSAGES:]]
    reading = read_trajectory([{"role": "user", "content": words}, *messages], NO_LIMIT)
    own = without_own(reading.steps)
    steps = own.steps
    if not any(step.role == "assistant" for step in steps):
        return None
    if following is not None and following.session != turn.session:
        following = None
    answered = None if following is None else reaction(steps[0].text, following.words, reading.answer or "")
    if following is not None and _is_redo(turn, answered):
        following.root = turn.root
    told = evidence(Known(steps, said.exits, turn.is_interrupted, turn.is_taken_back, answered))
    return Draft(
        trajectory=Reading(shortened(steps), reading.answer),
        task=cut(steps[0].text, MAX_TASK_CHARACTERS - len("\n[…]\n")),
        position=position,
        document={**turn.document, "cwd": turn.folder, "session": turn.session, "turn": turn.number},
        idempotency_key=f"turn:{agent}:{turn.session}:{turn.key}",
        reward=None if told is None else told.reward,
        reward_source="inferred" if told is None else told.source,
        feedback=None if told is None else told.sentence,
        retrieval_id=turn.retrieval_id or own.retrieval_id,
        submitted_id=own.trajectory_id,
        group=f"{agent}:{turn.session}:{turn.root}",
        agent=agent,
        model=turn.model,
        folder=turn.folder,
        span=None if turn.began is None or turn.ended is None else (turn.began, turn.ended),
        has_ended=following is not None or turn.has_ended or _is_over(steps),
        names=(f"{turn.session}:{turn.number}", turn.session),
    )


def _is_redo(turn: Turn, answered: Reaction | None) -> bool:
    return turn.is_taken_back or (answered is not None and answered.corrects)


def _is_over(steps: Sequence[Step]) -> bool:
    """The agent's last step is words: no call waits for its result."""
    return steps[-1].role == "assistant" and not steps[-1].calls
