"""The semantic advantage of one group: why some attempts went better, as operations that cite attempts for and against.

The attempts are contrasted directly, in one call, where they fit the model's context together, else by summaries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from explib.models.experiences import Experience
from explib.models.groups import GradedGroup
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Citation, Operation, Refusal, Stance
from explib.models.trajectories import Attempt
from explib.text.words import number_of
from explib_learner.checks.operations import OperationCheck
from explib_learner.model.asker import Asker, together
from explib_learner.model.chat import ChatRequest
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.library_text import closest, experiences_text, learning_objective_text, objective_text
from explib_learner.prompting.transcripts import Standing, number, read_together, standing, transcribe
from explib_learner.prompting.truncation import clipped_to_tokens

PLACEHOLDERS = frozenset(
    {"objective", "learning_objective", "max_words", "lessons", "task", "experiences", "mean", "results", "attempts"}
)

_GROUP_SIZES_READ = 2
"""At most so many times the library's group size of attempts are read at once."""
_LIBRARY_SHARE = 4
_TASK_SHARE = 6
"""Library and task get at most one part in so many of the prompt."""
_FENCE_TOKENS = 60


class LessonAnswer(BaseModel):
    """One lesson as the model answers it; attempts by label."""

    action: Literal["ADD", "MODIFY", "DELETE", "KEEP"]
    target: str | None = None
    content: str = ""
    reason: str = ""
    followed_and_won: list[str] = []
    not_followed_and_lost: list[str] = []
    contradicting: list[str] = []


class AdvantageAnswer(BaseModel):
    """What the model answers."""

    difference: str = ""
    lessons: list[LessonAnswer]


@dataclass(frozen=True, slots=True)
class Contrast:
    """One group to be contrasted, with what the library says so far."""

    group: GradedGroup
    library: LibrarySettings
    experiences: tuple[Experience, ...]

    @property
    def labelled(self) -> dict[str, Attempt]:
        """The attempts that are read, by the labels that the model cites."""
        read = read_together(self.group.attempts, _GROUP_SIZES_READ * self.library.group_size)
        return {f"A{at + 1}": attempt for at, attempt in enumerate(read)}


Checked = tuple[tuple[Operation, ...], tuple[Refusal, ...]]
Summarise = Callable[[Attempt], Awaitable[str]]


async def semantic_advantage(
    asker: Asker, prompt: PromptFile, contrast: Contrast, summarise: Summarise, budget: int
) -> Checked:
    """The group's operations and what was refused of the model's; a prompt has at most `budget` tokens."""
    if standing(contrast.group.attempts).spread == 0:
        return (), ()
    question = await asyncio.to_thread(_direct, asker, prompt, contrast, budget)
    if question is None:
        labelled = contrast.labelled
        summaries = await together([summarise(attempt) for attempt in labelled.values()])
        question = _from_summaries(asker, prompt, contrast, dict(zip(labelled, summaries, strict=True)), budget)
    answer = await asker.settle(question, AdvantageAnswer, lambda answer: answer, contrast.group.group.tries)
    return _checked(answer, contrast, asker.settings.lessons_per_group)


def _direct(asker: Asker, prompt: PromptFile, contrast: Contrast, budget: int) -> ChatRequest | None:
    """The question with the attempts themselves in it, or None where they don't fit."""
    read = transcribe(tuple(contrast.labelled.items()), contrast.group.group.task)
    if not read.fit(budget):
        return None
    parts = ["The attempts:", *(attempt.text() for attempt in read.attempts)]
    if read.shared:
        parts = ["Stated once, referred to in the attempts:", read.shared_text(), *parts]
    question = asker.question("advantage", prompt, AdvantageAnswer, _values(asker, contrast, "\n".join(parts), budget))
    return question if question.prompt_tokens <= budget else None


def _from_summaries(
    asker: Asker, prompt: PromptFile, contrast: Contrast, summaries: dict[str, str], budget: int
) -> ChatRequest:
    empty = asker.question("advantage", prompt, AdvantageAnswer, _values(asker, contrast, "", budget))
    share = max(1, (budget - empty.prompt_tokens) // len(summaries) - _FENCE_TOKENS)
    parts = [fenced(label, clipped_to_tokens(summary, share)) for label, summary in summaries.items()]
    text = "\n".join(("The attempts, summarised one by one:", *parts))
    return asker.question("advantage", prompt, AdvantageAnswer, _values(asker, contrast, text, budget))


def _values(asker: Asker, contrast: Contrast, attempts: str, budget: int) -> dict[str, str]:
    group, library = contrast.group, contrast.library
    stands = standing(group.attempts)
    shown = closest(contrast.experiences, group.group.task, budget // _LIBRARY_SHARE)
    return {
        "objective": objective_text(library.objective),
        "learning_objective": learning_objective_text(library.learning_objective),
        "max_words": str(library.max_words),
        "lessons": str(asker.settings.lessons_per_group),
        "task": fenced("task", clipped_to_tokens(group.group.task, budget // _TASK_SHARE)),
        "experiences": experiences_text(shown),
        "mean": number(stands.mean),
        "results": "\n".join(f"{label}: {stands.line(each.reward)}" for label, each in contrast.labelled.items()),
        "attempts": attempts,
    }


def _checked(answer: AdvantageAnswer, contrast: Contrast, most: int) -> Checked:
    """The answer's lessons as operations, sorted into kept and refused."""
    labelled = contrast.labelled
    stands = standing(contrast.group.attempts)
    attempts = {attempt.trajectory.id: attempt for attempt in contrast.group.attempts}
    check = OperationCheck(contrast.experiences, attempts, contrast.library)
    kept: list[Operation] = []
    refused: list[Refusal] = []
    for lesson in answer.lessons:
        operation = _operation(lesson, labelled, contrast.experiences)
        reason = _misplaced(lesson, labelled, stands) or check.reason_against(operation, kept)
        if reason is None and operation.kind != "KEEP" and sum(each.kind != "KEEP" for each in kept) >= most:
            reason = f"it is over the limit of {number_of(most, 'lesson')} from one group"
        if reason is None:
            kept.append(operation)
        else:
            refused.append(Refusal(operation, reason))
    return tuple(kept), tuple(refused)


def _operation(lesson: LessonAnswer, labelled: dict[str, Attempt], experiences: Sequence[Experience]) -> Operation:
    stances: tuple[tuple[Stance, Sequence[str]], ...] = (
        ("for", (*lesson.followed_and_won, *lesson.not_followed_and_lost)),
        ("against", lesson.contradicting),
    )
    citations = [
        Citation(labelled[label].trajectory.id if label in labelled else label, stance)
        for stance, cited in stances
        for label in _labels(cited)
    ]
    target = (lesson.target or "").strip().strip("[]") or None
    content = lesson.content.strip() or None
    if lesson.action in ("KEEP", "DELETE") and any(
        each.id == target and each.content == content for each in experiences
    ):
        content = None  # the text of what it names, repeated
    return Operation(
        kind=lesson.action,
        reason=lesson.reason.strip(),
        content=content,
        target=target,
        citations=tuple(dict.fromkeys(citations)),
    )


def _misplaced(lesson: LessonAnswer, labelled: dict[str, Attempt], stands: Standing) -> str | None:
    """Why the lesson's citations don't go with the rewards, or None."""
    won, lost = _labels(lesson.followed_and_won), _labels(lesson.not_followed_and_lost)
    against = _labels(lesson.contradicting)
    for label in (*won, *lost, *against):
        if label not in labelled:
            return f"it cites {label}, which is none of the attempts"
    for label in won:
        if labelled[label].reward <= stands.mean:
            return (
                f"it cites {_said(label, labelled)} as won, which is not above the group's mean {number(stands.mean)}"
            )
    for label in lost:
        if labelled[label].reward >= stands.mean:
            return (
                f"it cites {_said(label, labelled)} as lost, which is not below the group's mean {number(stands.mean)}"
            )
    twice = sorted(set(against).intersection((*won, *lost)))
    if twice:
        return f"it cites {_said(twice[0], labelled)} both for and against"
    return _unsupported(lesson.action, bool(won), bool(lost), bool(against))


def _unsupported(action: str, won: bool, lost: bool, against: bool) -> str | None:
    if action in ("ADD", "MODIFY") and not won:
        return "it cites no attempt that followed it and won: nothing shows that it helps"
    if action in ("ADD", "MODIFY") and not lost:
        return "it cites no attempt that did otherwise and lost: the cited attempts don't differ in reward"
    if action == "DELETE" and not against:
        return "it cites no attempt that contradicts what it would delete"
    if action == "KEEP" and not (won or lost):
        return "it cites no attempt that bears out what it would keep"
    return None


def _said(label: str, labelled: dict[str, Attempt]) -> str:
    attempt = labelled[label]
    return f"{attempt.trajectory.id} (reward {number(attempt.reward)})"


def _labels(cited: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label.strip().strip("[]").upper() for label in cited))
