"""What voters turned down is not learned again in nearly the same words; what they back passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explib.evidence.votes import VOTERS, VoteCount
from explib.models.revisions import Operation, Refusal
from explib.retrieval.embedding import Embedder
from explib_learner.checks.operations import DUPLICATE_SIMILARITY, similarity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEAR = 0.8
"""Cosine from which two lessons say nearly the same. Measured with wordllama: rewordings of one lesson have .62 to .91,
lessons on one subject with another advice up to .795. What is missed can be voted on again."""


async def reject_voted_down(
    operations: Sequence[Operation], judged: Sequence[VoteCount], embedder: Embedder | None
) -> tuple[tuple[Operation, ...], tuple[Refusal, ...]]:
    """Sort proposals into those that voters would let pass and those nearly the same as what they turned down.

    Nearness is cosine similarity by the embedder, where there is one, or the share of common terms.
    """
    worded = [operation for operation in operations if operation.content]
    if not worded or not any(each.verdict == "rejected" for each in judged):
        return tuple(operations), ()
    near = await _nearness([each.content or "" for each in worded], [each.content for each in judged], embedder)
    refused: list[Refusal] = []
    for operation, row in zip(worded, near, strict=True):
        matching = [each for each, same in zip(judged, row, strict=True) if same]
        if matching and all(each.verdict == "rejected" for each in matching):
            refused.append(Refusal(operation, _reason(matching[0])))
    kept = tuple(each for each in operations if not any(each is refusal.operation for refusal in refused))
    return kept, tuple(refused)


def _reason(turned_down: VoteCount) -> str:
    said = f": {turned_down.reason}" if turned_down.reason else ""
    return f"it says nearly the same as {turned_down.experience_id}, which {VOTERS} voters turned down{said}"


async def _nearness(
    proposed: Sequence[str], judged: Sequence[str], embedder: Embedder | None
) -> Sequence[Sequence[bool]]:
    """For each proposed text and each judged one, whether they say nearly the same."""
    lexical = [[similarity(one, other) >= DUPLICATE_SIMILARITY for other in judged] for one in proposed]
    if embedder is None:
        return lexical
    vectors = await embedder.embed([*proposed, *judged])
    alike = _cosines(vectors, len(proposed)) >= NEAR
    return [
        [same or bool(close) for same, close in zip(row, others, strict=True)]
        for row, others in zip(lexical, alike, strict=True)
    ]


def _cosines(vectors: NDArray[np.float32], proposed: int) -> NDArray[np.float32]:
    """Cosines of the first `proposed` unit vectors with each of the others."""
    import numpy as np

    cosines: NDArray[np.float32] = np.einsum("id,jd->ij", vectors[:proposed], vectors[proposed:])
    return cosines
