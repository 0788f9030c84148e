"""The numbers of a verdict in words, and the status that they earn a lesson."""

from __future__ import annotations

from explib.models.decisions import Verdict
from explib.models.experiences import ExperienceStatus
from explib.text.words import number_of

WITNESSES = 2
"""Attempts of the less used option from which a believed decision makes its lesson active."""


def earned_status(verdict: Verdict) -> ExperienceStatus | None:
    """The status of a lesson that recommends the better option; None where the attempts do not speak for it."""
    if verdict.better is None or verdict.state == "unknown":
        return None
    return "active" if verdict.state == "believed" and verdict.witnesses >= WITNESSES else "candidate"


def observed_text(verdict: Verdict) -> str:
    """E.g. `+.22 of the reward (.17 to .27), 22 against 11 attempts, 3 groups and 18 lone`.

    What was not fitted has no effect: e.g. `seen in 3 attempts, against 0`.
    """
    if verdict.low == verdict.high == verdict.effect == 0:
        return f"seen in {number_of(verdict.followed, 'attempt')}, against {verdict.others}"
    where = [number_of(verdict.groups, "group")] if verdict.groups else []
    where += [f"{verdict.lone} lone"] if verdict.lone else []
    return (
        f"{_share(verdict.effect, sign=True)} of the reward ({_share(verdict.low)} to {_share(verdict.high)}), "
        f"{verdict.followed} against {number_of(verdict.others, 'attempt')}, {' and '.join(where) or 'none that vary'}"
    )


def _share(value: float, *, sign: bool = False) -> str:
    """Two digits behind the point, without the zero before it."""
    text = f"{value:+.2f}" if sign else f"{value:.2f}"
    return text.replace("0.", ".", 1)
