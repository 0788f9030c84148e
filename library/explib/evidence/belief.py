"""What is believed of an account: the sums that serving, the lift that is told, the veto, the life cycle and the report
all read.

Pooled sums belong to whoever submits most. The trimmed mean counts each submitter once and leaves the ends out
(Tukey and McLaughlin 1963; its standard error is the Winsorised one).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from math import ceil
from operator import add

from explib.evidence.sums import NOTHING, ScoreSums

TRIM = 0.2
"""Share of the submitters left out at each end."""
FORGED = 0.1
"""Share of the submitters that may forge without an experience being called proven for it."""
FEWEST_SUBMITTERS = 20


def believed_sums(pooled: ScoreSums, by_submitter: Iterable[ScoreSums]) -> ScoreSums:
    """Sums that stand for the trimmed mean over submitters' own lifts; `pooled` where there are too few of them.

    They have the trimmed mean as their lift and its squared error as V/W², so that posterior, interval and verdict are
    the same for both. W and n are those of the submitters that were counted. Forgers at one end still shift a trimmed
    mean, and in a crowd that shift outgrows the error: `slack` is the most that FORGED of them can have shifted it. It
    follows from leaving so many out at one end: what is left has, place by place, no higher (lower) lifts than the
    honest submitters alone, whoever they are.
    """
    counted = [share for share in by_submitter if share.w > 0]
    if len(counted) < FEWEST_SUBMITTERS:
        return pooled
    total = reduce(add, counted, NOTHING)
    lifts = sorted(share.lift for share in counted)
    mean, error = trimmed_mean(lifts)
    forged = ceil(FORGED * len(lifts))
    least, most = trimmed_mean(lifts[:-forged])[0], trimmed_mean(lifts[forged:])[0]
    return ScoreSums(mean * total.w, total.w, (error * total.w) ** 2, total.n, max(mean - least, most - mean))


def trimmed_mean(values: Sequence[float], trim: float = TRIM) -> tuple[float, float]:
    """The trimmed mean and its standard error s_w / ((1 − 2·trim)·√k). Needs at least three values left over."""
    ordered = sorted(values)
    count, cut = len(ordered), int(trim * len(ordered))
    kept = ordered[cut : count - cut]
    mean = sum(kept) / len(kept)
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    centre = sum(winsorised) / count
    variance = sum((each - centre) ** 2 for each in winsorised) / (count - 1)
    return mean, (variance / count) ** 0.5 / (1 - 2 * trim)
