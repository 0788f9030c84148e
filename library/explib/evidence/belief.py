"""The belief in a lesson: the sums that serving, the lift that is told, the veto, the life cycle and the report read.

Pooled sums belong to whoever submits most. So where there are several submitters none of them decides alone:

- From FEWEST_SUBMITTERS on, each counts once and the ends are left out: the trimmed mean over submitters' own lifts
  (Tukey and McLaughlin 1963; its standard error is the Winsorised one).
- Below, whoever has most rewards weighs no more than all the others together, and what leaving out any one of them
  changes of the lift is not believed.
- A single submitter is the library's own person, and is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from math import ceil
from operator import add

from explib.evidence.sums import NOTHING, ScoreSums

TRIM = 0.2
"""Share of the submitters left out at each end."""
FORGED = 0.1
"""Share of the submitters (one at least) that may forge without a lesson being called proven or harmful for it."""
FEWEST_SUBMITTERS = 20
SEVERAL = 2


def believed_sums(pooled: ScoreSums, by_submitter: Iterable[ScoreSums] = (), submitters: int = 1) -> ScoreSums:
    """The sums to believe: from all rewards (`pooled`), each submitter's own, and how many submitters there are."""
    if submitters < SEVERAL:
        return pooled
    shares = [share for share in by_submitter if share.w > 0]
    return _trimmed(shares) if len(shares) >= FEWEST_SUBMITTERS else _without_the_busiest(pooled, shares)


def _trimmed(shares: Sequence[ScoreSums]) -> ScoreSums:
    """Sums that stand for the trimmed mean of the submitters' lifts.

    They have the trimmed mean as their lift and its squared error as V/W², so that posterior, interval and verdict are
    the same for both. W and n are those of the submitters that were counted. Forgers at one end still shift a trimmed
    mean, and in a crowd that shift outgrows the error: `slack` is the most that FORGED of them can have shifted it. It
    follows from leaving so many out at one end: what is left has, place by place, no higher (lower) lifts than the
    honest submitters alone, whoever they are.
    """
    total = reduce(add, shares, NOTHING)
    lifts = sorted(share.lift for share in shares)
    mean, error = trimmed_mean(lifts)
    forged = ceil(FORGED * len(lifts))
    least, most = trimmed_mean(lifts[:-forged])[0], trimmed_mean(lifts[forged:])[0]
    return ScoreSums(mean * total.w, total.w, (error * total.w) ** 2, total.n, max(mean - least, most - mean))


def _without_the_busiest(pooled: ScoreSums, shares: Sequence[ScoreSums]) -> ScoreSums:
    """The pooled sums with the weight that is left without the busiest, and with the lift that no few of them make.

    Rewards that nobody is named for count as one more submitter's. `slack` is by how much the lift moves where those
    are left out that raise (lower) it most, FORGED of them and one at least.
    """
    unnamed = reduce(ScoreSums.__sub__, shares, pooled)
    counted = [*shares, unnamed] if unnamed.n > 0 and unnamed.w > 0 else list(shares)
    if not counted or pooled.w <= 0:
        return NOTHING
    forged = ceil(FORGED * len(counted))
    lift = pooled.lift
    least, most = (_lift_without(forged, counted, pick) for pick in (min, max))
    busiest = sum(sorted((share.w for share in counted), reverse=True)[:forged])
    kept = max(0.0, 1 - busiest / pooled.w)
    slack = max(lift - least, most - lift, 0.0)
    return ScoreSums(pooled.s * kept, pooled.w * kept, pooled.v * kept, round(pooled.n * kept), slack)


def _lift_without(count: int, shares: Sequence[ScoreSums], pick: Callable[[Iterable[float]], float]) -> float:
    """The least (greatest) lift where so many submitters are left out, one after the other; 0 where none are left."""
    left = list(shares)
    for _ in range(count):
        s, w = sum(share.s for share in left), sum(share.w for share in left)
        if len(left) == 1:
            return 0.0
        lifts = [(s - share.s) / (w - share.w) for share in left]
        left.pop(lifts.index(pick(lifts)))
    return sum(share.s for share in left) / sum(share.w for share in left)


def trimmed_mean(values: Sequence[float], trim: float = TRIM) -> tuple[float, float]:
    """The trimmed mean and its standard error s_w / ((1 − 2·trim)·√k). Needs at least three values left over."""
    ordered = sorted(values)
    count, cut = len(ordered), int(trim * len(ordered))
    kept = ordered[cut : count - cut]
    mean = sum(kept) / len(kept)
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    centre = sum(winsorised) / count
    variance = sum((value - centre) ** 2 for value in winsorised) / (count - 1)
    return mean, (variance / count) ** 0.5 / (1 - 2 * trim)
