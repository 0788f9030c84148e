"""A merge says what its sources say: each of them is in it, and nothing is in it that none of them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from explib.models.experiences import Experience
from explib.models.revisions import Operation, Refusal
from explib.retrieval.embedding import Embedder
from explib_learner.checks.clauses import clauses, condition_and_strategy
from explib_learner.checks.deeds import stems_of
from explib_learner.checks.lexicon import plain_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEAR = 0.35
"""Cosine that a merge must have with each source. Measured with wordllama: a merge and its sources have .44 to .84,
lessons about other things at most .3."""
SHARED = 0.2
"""Share of the shorter text's words that a merge must have in common with each source."""
SAID = 0.5
"""Share of a clause's words that one source must have, or this cosine with it."""
_QUOTED_CHARACTERS = 60


async def reject_unsourced(
    operations: Sequence[Operation], experiences: Sequence[Experience], embedder: Embedder | None
) -> tuple[tuple[Operation, ...], tuple[Refusal, ...]]:
    """Sort operations into those that may be applied and the merges that say something else than their sources."""
    contents = {experience.id: experience.content for experience in experiences}
    kept: list[Operation] = []
    refused: list[Refusal] = []
    for operation in operations:
        reason = await _reason(operation, contents, embedder) if operation.kind == "MERGE" else None
        if reason is None:
            kept.append(operation)
        else:
            refused.append(Refusal(operation, reason))
    return tuple(kept), tuple(refused)


async def _reason(operation: Operation, contents: Mapping[str, str], embedder: Embedder | None) -> str | None:
    merged = operation.content or ""
    sources = {name: contents[name] for name in operation.named}
    said = [part for part in _parts(merged) if stems_of(plain_words(part))]
    cosines = await _cosines([merged, *said], list(sources.values()), embedder)
    for part, near in zip(said, cosines[1:], strict=True):
        if near.max() < SAID and all(_covered(part, source) < SAID for source in sources.values()):
            return f"the merge says what none of its sources says: {part[:_QUOTED_CHARACTERS]!r}"
    for (name, source), near in zip(sources.items(), cosines[0], strict=True):
        if _shared(merged, source) < SHARED or near < NEAR:
            return f"the merge doesn't say what {name} says"
    return None


def _parts(lesson: str) -> list[str]:
    """Its condition and the clauses of its strategy."""
    condition, strategy = condition_and_strategy(lesson)
    return [condition, *(clause.text for clause in clauses(strategy))]


def _shared(one: str, other: str) -> float:
    left, right = stems_of(plain_words(one)), stems_of(plain_words(other))
    return len(left & right) / max(1, min(len(left), len(right)))


def _covered(part: str, source: str) -> float:
    stems = stems_of(plain_words(part))
    return len(stems & stems_of(plain_words(source))) / len(stems)


async def _cosines(texts: Sequence[str], sources: Sequence[str], embedder: Embedder | None) -> NDArray[np.float32]:
    """Of each text with each source; 1 for the merge and 0 for its parts without an embedder: then words decide."""
    import numpy as np

    if embedder is None:
        without = np.zeros((len(texts), len(sources)), np.float32)
        without[0] = 1.0
        return without
    vectors = await embedder.embed([*texts, *sources])
    cosines: NDArray[np.float32] = np.einsum("id,jd->ij", vectors[: len(texts)], vectors[len(texts) :])
    return cosines
