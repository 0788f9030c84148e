"""Are rewards missing in a way that depends on what was served? Then nothing can be claimed from those that came.

The same score, with "was a reward reported?" as its outcome: every recorded retrieval enters as not reported, and is
corrected when its reward comes. Where its interval excludes 0, serving changes which rewards are seen.
"""

from __future__ import annotations

from explib.evidence.interval import interval
from explib.evidence.sums import ScoreSums


def reporting_is_biased(reported: ScoreSums, what: str = "it is") -> str | None:
    """Why nothing can be claimed, or None; `what` is served."""
    span = interval(reported)
    if not span.excludes_zero:
        return None
    direction = "more" if span.mean > 0 else "less"
    return (
        f"nothing can be claimed: rewards are reported {direction} often when {what} served ({span.mean:+.0%}, "
        f"{span.low:+.0%} to {span.high:+.0%}), so those that came are not those of all tasks: "
        "report the reward of every attempt, failed ones too"
    )
