"""One relevance out of two: what a lesson shares with a task in words, and how near it is in meaning.

Both are blended by their values, not by their ranks: values know when one side has found nothing. Measured against
reciprocal rank fusion in `benchmarks/retrieval_quality.py`; see docs/decisions/0007-retrieval.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MEANING = 0.4
"""The weight of the nearest in meaning, where a lesson that has all of the task's words weighs 1."""


def blended(coverage: NDArray[np.float64], cosines: NDArray[np.float32] | None) -> NDArray[np.float64]:
    """Relevance in 0 to 1 of each lesson: the share of the task's words it covers, and its cosine to the task.

    Cosines count as a share of the greatest, since what is near differs between languages and embedders. None: there
    are none.
    """
    if cosines is None:
        return np.minimum(coverage, 1.0)
    positive = np.maximum(cosines.astype(np.float64), 0.0)
    greatest = positive.max(initial=0.0)
    near = positive / greatest if greatest > 0 else positive
    return np.minimum((coverage + MEANING * near) / (1 + MEANING), 1.0)
