"""One relevance out of two: what a lesson shares with a task in words, and how near it is in meaning.

Both are blended by their values, not by their ranks: values know when one side has found nothing. Measured against
reciprocal rank fusion in `benchmarks/retrieval_quality.py`; see docs/decisions/0007-retrieval.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explib.retrieval.entry import DIGITS

MEANING = 0.4
"""The weight of the nearest in meaning, where a lesson that has all of the task's words weighs 1."""

NEAR_ENOUGH, COVERED_ENOUGH = 0.15, 0.2
"""A task fits a library where a lesson is this near to it in meaning (cosine) or covers this share of its words.

Kept are all 188 tasks of `benchmarks/retrieval_sets.py`, and 1 of 6 unrelated questions to a library of one trade."""
LEAST_SHARE = 0.2
"""What a lesson's relevance must be of the best one's where not all of them fit the answer."""
TOOL_WEIGHT = 0.5
"""What is added to the relevance of a lesson that speaks of a tool in play: situations arise that no task tells of."""

SAMPLED = 16
"""One of so many scores is looked at to foretell where the best begin."""


def at_least_the(most: int, scores: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.intp]:
    """Where the `most` best scores are, and whatever equals the last of them; in no order.

    What is clearly below them, by a sample, is left out first: to part all of many scores takes ten times as long.
    """
    places: NDArray[np.intp] = np.arange(len(scores))
    if len(scores) > 4 * SAMPLED + 4 * most:
        sample = scores[::SAMPLED]
        among = len(sample) - 1 - min(2 * most // SAMPLED + 8, len(sample) - 1)
        clear = np.flatnonzero(scores >= np.partition(sample, among)[among])
        if len(clear) >= most:
            places, scores = clear, scores[clear]
    if len(scores) > most:
        last = len(scores) - most
        places = places[scores >= np.partition(scores, last)[last]]
    return places


def blended(coverage: NDArray[np.float64], cosines: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """How much of a task each lesson meets: the share of its words that it covers, and its cosine where there are any.

    Cosines count as a share of the greatest, since what is near differs between languages and embedders.
    """
    if cosines is None:
        return coverage
    greatest = float(cosines.max(initial=0.0)) or 1.0
    scores = np.maximum(cosines, 0.0)
    scores *= MEANING / (1 + MEANING) / greatest
    scores += coverage * (1 / (1 + MEANING))
    return scores


def relevances(scores: NDArray[np.float64]) -> list[float]:
    """Blended scores as they are written down with every retrieval: at most 1, with four digits."""
    written: list[float] = np.minimum(scores, 1.0).round(DIGITS).tolist()
    return written
