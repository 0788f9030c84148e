"""Attempts as text: what they share (system prompt, identical tool results) is stated once and referred to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.truncation import FLOOR, Piece, cut

_WORTH_SHARING = 120
"""Characters from which a repeated text is stated once: a reference to a shorter one saves nothing."""
_LONGEST_NAME = 40
"""Characters of a tool's name."""
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Transcript:
    """One attempt in pieces, under the label by which the model cites it."""

    label: str
    pieces: tuple[Piece, ...]

    def text(self, budget: int | None = None, floor: int = FLOOR) -> str:
        """The fenced transcript, cut to about `budget` tokens; texts keep `floor` characters before steps go."""
        pieces = self.pieces if budget is None else cut(self.pieces, budget, floor)
        return fenced(self.label, "\n".join(piece.text for piece in pieces))


@dataclass(frozen=True, slots=True)
class Transcripts:
    """Attempts that are read together."""

    shared: tuple[Piece, ...]
    """What is stated once; the head of each is its label."""
    attempts: tuple[Transcript, ...]

    def shared_text(self, budget: int | None = None) -> str:
        """The texts that are stated once, each in its fence, cut to about `budget` tokens together."""
        pieces = self.shared if budget is None else cut(self.shared, budget)
        return "\n".join(fenced(piece.head, piece.body) for piece in pieces)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the attempts of one group did: mean and spread of all its rewards."""

    mean: float
    spread: float

    def line(self, reward: float) -> str:
        """One attempt's reward and numeric advantage, (reward − mean) / standard deviation."""
        advantage = (reward - self.mean) / self.spread if self.spread else 0.0
        return f"reward {number(reward)}, advantage {advantage:+.2f}"


def number(value: float) -> str:
    """A reward as text, without digits that say nothing."""
    return f"{value:.{_DIGITS}g}"


def standing(attempts: Sequence[Attempt]) -> Standing:
    """Mean and standard deviation of the attempts' rewards (over the group, not a sample of it)."""
    rewards = [attempt.reward for attempt in attempts]
    return Standing(fmean(rewards), pstdev(rewards))


def read_together(attempts: Sequence[Attempt], limit: int) -> tuple[Attempt, ...]:
    """At most `limit` of the attempts, newest first but winners and losers in turn; returned oldest first."""
    if len(attempts) <= limit:
        return tuple(attempts)
    mean = standing(attempts).mean
    newest = sorted(attempts, key=lambda attempt: (attempt.trajectory.created_at, attempt.trajectory.id), reverse=True)
    winners = [attempt for attempt in newest if attempt.reward > mean]
    losers = [attempt for attempt in newest if attempt.reward < mean]
    half = limit // 2
    few = min(half, len(winners), len(losers))
    first_winners = few if len(winners) <= len(losers) else limit - few
    chosen = {id(attempt) for attempt in (*winners[:first_winners], *losers[: limit - first_winners])}
    return tuple(attempt for attempt in attempts if id(attempt) in chosen)


def transcribe(attempts: Sequence[tuple[str, Attempt]], task: str) -> Transcripts:
    """Label and attempt → transcripts in which every longer text that repeats is stated once."""
    seen = Counter(text for _, attempt in attempts for text in _texts(attempt))
    labels: dict[str, str] = {}
    for text, count in seen.items():
        if count > 1 and len(text) >= _WORTH_SHARING and text != task.strip():
            labels[text] = f"S{len(labels) + 1}"
    references = {text: f"(same as {label})" for text, label in labels.items()} | {task.strip(): "(the task)"}
    return Transcripts(
        tuple(Piece(label, text, pinned=True) for text, label in labels.items()),
        tuple(Transcript(label, tuple(_pieces(attempt, references))) for label, attempt in attempts),
    )


def _texts(attempt: Attempt) -> Iterator[str]:
    for step in attempt.steps:
        yield step.text.strip()
    yield from (text for _, text in _outcome(attempt))


def _pieces(attempt: Attempt, references: Mapping[str, str]) -> Iterator[Piece]:
    def said(text: str) -> str:
        return references.get(text, text)

    last = len(attempt.steps) - 1
    for at, step in enumerate(attempt.steps):
        where = f"[{at + 1}]"
        calls = (f"calls {each.name[:_LONGEST_NAME]} {arguments_text(each.arguments)}" for each in step.calls)
        body = "\n".join(filter(None, (said(step.text.strip()), *calls)))
        yield Piece(f"{where} {_speaker(step)}:", body, bulk=step.role == "tool", pinned=at in (0, last))
    for where, text in _outcome(attempt):
        yield Piece(where, said(text), pinned=True)


def _outcome(attempt: Attempt) -> Iterator[tuple[str, str]]:
    """The final answer, where the last step doesn't say it, and the feedback."""
    answer = (attempt.trajectory.answer or "").strip()
    if answer and not (attempt.steps and attempt.steps[-1].text.strip() == answer):
        yield "[final answer]", answer
    feedback = (attempt.trajectory.feedback or "").strip()
    if feedback:
        yield "[feedback on the result]", feedback


def _speaker(step: Step) -> str:
    if step.role != "tool":
        return step.role
    source = f" for {step.answers_call[:_LONGEST_NAME]}" if step.answers_call else ""
    return f"tool{source}{' (error)' if step.is_error else ''}"


def arguments_text(arguments: dict[str, Json]) -> str:
    """A call's arguments as short JSON; what decides an attempt often stands in them, so they are never shared."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":")) if arguments else ""
