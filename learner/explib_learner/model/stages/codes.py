"""Coding: which option each attempt took at each decision, blind to how it went."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explib.errors import ModelAnswerInvalid
from explib.models.decisions import UNCLEAR, Code, Decision
from explib.models.trajectories import Attempt
from explib.text.words import estimate_tokens
from explib_learner.model.asker import Asker, Checked
from explib_learner.model.forms import CodesAnswer, label_of
from explib_learner.model.known import codebook_text
from explib_learner.prompting.acts import blind_texts
from explib_learner.prompting.files import PromptFile

PLACEHOLDERS = frozenset({"decisions", "attempts"})
MOST_ATTEMPTS = 24
"""Attempts of one call."""
ATTEMPT_TOKENS = 280
"""Of one attempt: its acts, and of the tools that the decisions name the answers."""
READABLE = 0.6
"""Share of the attempts that must have a line that can be read, or the answer is repaired."""
_CODE_TOKENS = 4
"""Of one attempt at one decision in an answer."""
_FENCE_TOKENS = 60
_LETTER = re.compile(r"D(\d+)\s*[:=.]?\s*([a-dA-D?])(?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The attempts and decisions of one call, by their labels."""

    attempts: Mapping[str, Attempt]
    decisions: Mapping[str, Decision]


def sheets(asker: Asker, attempts: Sequence[Attempt], missing: Mapping[str, Sequence[Decision]]) -> list[Sheet]:
    """The calls that code these attempts, in their order: as many attempts at once as prompt and answer have room."""
    made: list[Sheet] = []
    left = [attempt for attempt in attempts if missing.get(attempt.trajectory.id)]
    while left:
        chunk = left[:MOST_ATTEMPTS]
        decisions = _together(chunk, missing)
        room = asker.settings.prompt_tokens - _codebook_tokens(decisions)
        fitting = room // (ATTEMPT_TOKENS + _FENCE_TOKENS)
        written = asker.settings.answer_tokens // (_CODE_TOKENS * len(decisions) + _CODE_TOKENS)
        size = max(1, min(len(chunk), fitting, written))
        labelled = {f"A{at + 1}": attempt for at, attempt in enumerate(chunk[:size])}
        together = _together(chunk[:size], missing)
        made.append(Sheet(labelled, {f"D{at + 1}": decision for at, decision in enumerate(together)}))
        left = left[size:]
    return made


async def coded(asker: Asker, prompt: PromptFile, sheet: Sheet, tries: int) -> tuple[Code, ...]:
    """The letters of one sheet. Raises what `Asker.settle` raises."""
    attempts = await asyncio.to_thread(blind_texts, tuple(sheet.attempts.items()), ATTEMPT_TOKENS, _tools(sheet))
    values = {"decisions": codebook_text(sheet.decisions), "attempts": attempts}
    question = asker.question("codes", prompt, CodesAnswer, values)
    return await asker.settle(question, CodesAnswer, lambda answer: _read(answer, sheet), tries)


def _read(answer: CodesAnswer, sheet: Sheet) -> Checked[tuple[Code, ...]]:
    """The codes of the lines that can be read; unknown labels and letters are dropped."""
    lines: dict[str, str] = {}
    for line in answer.codes:
        label, _, letters = line.strip().lstrip("-* ").partition(" ")
        if (name := label_of(label.rstrip(":"))) in sheet.attempts:
            lines[name] = letters
    unread = [label for label in sheet.attempts if label not in lines]
    if not lines:
        raise ModelAnswerInvalid(f"There must be one line for each of {', '.join(unread)}.")
    codes = tuple(code for label, letters in lines.items() for code in _codes(letters, sheet, label))
    few = len(lines) < READABLE * len(sheet.attempts)
    return Checked(codes, (f"There is no line for {', '.join(unread)}.",) if few else ())


def _codes(letters: str, sheet: Sheet, label: str) -> list[Code]:
    trajectory_id = sheet.attempts[label].trajectory.id
    codes: list[Code] = []
    for number, letter in _LETTER.findall(letters):
        decision = sheet.decisions.get(f"D{number}")
        if decision is None:
            continue
        if letter == UNCLEAR or letter.lower() in {option.letter for option in decision.options}:
            codes.append(Code(decision.id, trajectory_id, letter.lower()))
    return codes


def _tools(sheet: Sheet) -> frozenset[str]:
    """The tools that the decisions name; none where one of them names none, for it may be told by anything."""
    named = [decision.tools for decision in sheet.decisions.values()]
    return frozenset(tool for tools in named for tool in tools) if all(named) else frozenset()


def _together(attempts: Sequence[Attempt], missing: Mapping[str, Sequence[Decision]]) -> list[Decision]:
    decisions = {each.key: each for attempt in attempts for each in missing[attempt.trajectory.id]}
    return list(decisions.values())


def _codebook_tokens(decisions: Sequence[Decision]) -> int:
    return estimate_tokens(codebook_text({f"D{at + 1}": decision for at, decision in enumerate(decisions)}))
