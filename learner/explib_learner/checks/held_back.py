"""Which proposals wait for a person also without review: what attempts do not bear out, or one submitter's alone do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from explib.models.experiences import Experience
from explib.models.revisions import Operation
from explib.models.trajectories import Attempt
from explib.retrieval.embedding import Embedder
from explib_learner.checks.clauses import clauses, condition_and_strategy
from explib_learner.checks.deeds import Deed
from explib_learner.checks.grounding import (
    WITNESSES,
    Grounds,
    Nearness,
    Witness,
    asked_by,
    by_words_alone,
    grounds_of,
    witness_of,
)
from explib_learner.checks.lexicon import words_of_name
from explib_learner.checks.provenance import is_shared, only_submitter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPARED_WINNERS = 8
"""Attempts of a lesson whose deeds are compared with it in meaning; and those others that are read."""
COMPARED_CHARACTERS = 300
"""Of one deed."""
BATCH = 32
"""Texts embedded in one go, in a few milliseconds: others wait meanwhile."""


async def held_back(
    operations: Iterable[Operation],
    experiences: Sequence[Experience],
    attempts_by_id: Mapping[str, Attempt],
    embedder: Embedder | None = None,
) -> tuple[Operation, ...]:
    """The operations, each that must wait marked with the reason; a text that the library has already is not judged.

    `attempts_by_id` are all attempts that were read: those cited, and those that tell whether the library is shared.
    Without an embedder a lesson must be spoken of in its attempts' own words.
    """
    contents = {experience.id: experience.content for experience in experiences}
    shared = is_shared(attempts_by_id.values())
    witnesses: dict[str, Witness] = {}
    marked: list[Operation] = []
    for operation in operations:
        if operation.content is None or operation.content == contents.get(operation.target or ""):
            marked.append(operation)
            continue
        winners = [name for name in operation.winners if name in attempts_by_id]
        others = [name for name in operation.others if name in attempts_by_id][:COMPARED_WINNERS]
        unread = [attempts_by_id[name] for name in (*winners, *others) if name not in witnesses]
        witnesses |= await asyncio.to_thread(_read, unread)
        told = asked_by(operation.said) if operation.said and not shared else None
        grounds = await asyncio.to_thread(grounds_of, operation.content, winners, witnesses, told=told, others=others)
        if grounds.missing and embedder is not None:
            compared = winners[:COMPARED_WINNERS]
            nearness = await _nearness(operation.content, [witnesses[name] for name in compared], embedder)
            grounds = await asyncio.to_thread(grounds_of, operation.content, winners, witnesses, nearness, told, others)
        submitter = only_submitter([attempts_by_id[name].trajectory for name in winners]) if shared else None
        marked.append(replace(operation, waits=_reason(grounds, submitter)))
    return tuple(marked)


def _read(attempts: Sequence[Attempt]) -> dict[str, Witness]:
    return {attempt.trajectory.id: witness_of(attempt) for attempt in attempts}


async def _nearness(lesson: str, witnesses: Sequence[Witness], embedder: Embedder) -> Nearness:
    """Cosines of the lesson's clauses and what the witnesses did."""
    deeds = {deed.text: _words(deed) for witness in witnesses for deed in witness.deeds}
    said = [clause.text for clause in clauses(condition_and_strategy(lesson)[1])]
    if not deeds or not said:
        return by_words_alone
    cosines = await _cosines(said, list(deeds.values()), embedder)
    rows, columns = ({text: at for at, text in enumerate(texts)} for texts in (said, deeds))

    def nearness(clause: str, deed: Deed) -> float:
        return float(cosines[rows[clause], columns[deed.text]]) if deed.text in columns else 0.0

    return nearness


def _words(deed: Deed) -> str:
    """A deed with the words of its names beside it, each once: `create_order` is `create order` too."""
    text = deed.text[:COMPARED_CHARACTERS]
    return " ".join(dict.fromkeys(f"{text} {words_of_name(text)}".split()))


async def _cosines(said: Sequence[str], done: Sequence[str], embedder: Embedder) -> NDArray[np.float32]:
    """Of each of `said` with each of `done`."""
    import numpy as np

    clauses_vectors = await embedder.embed(said)
    parts = []
    for start in range(0, len(done), BATCH):
        vectors = await embedder.embed(done[start : start + BATCH])
        parts.append(np.einsum("id,jd->ij", clauses_vectors, vectors))
        await asyncio.sleep(0)
    return np.concatenate(parts, axis=1)


def _reason(grounds: Grounds, submitter: str | None) -> str:
    if grounds.missing:
        return (
            f"It waits for a person: fewer than {WITNESSES} attempts that followed it and won did what it says "
            f"({grounds.missing})."
        )
    if grounds.consequential and submitter is not None:
        return f"It waits for a person: all attempts that it rests on were handed in by {submitter}."
    return ""
