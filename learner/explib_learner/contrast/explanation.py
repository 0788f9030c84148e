"""A finding's counts in words, and the attempts that bear it out or contradict it."""

from __future__ import annotations

from explib.models.revisions import Citation, Stance
from explib_learner.contrast.findings import Finding, Survey

DISCLAIMER = "statistics, not a model"


def summary(found: Survey) -> str:
    """What the run tested, on what."""
    seen = found.sample
    text = (
        f"contrast tested {_many(found.tested, 'distinct split')} of {_many(found.events, 'event')} "
        f"over {_many(seen.groups, 'group')} with {_many(seen.winners, 'winner')} and {_many(seen.losers, 'loser')}"
    )
    older = f"; {_many(seen.left_out, 'older attempt')} left out" if seen.left_out else ""
    return f"{text}{older}; {DISCLAIMER}"


def reason(finding: Finding, found: Survey) -> str:
    """The statistic in a sentence, with its counts and what may be claimed."""
    verdict = finding.verdict
    method = "exact stratified" if verdict.exact else "stratified permutation"
    claim = {
        "supported": "supported after correction",
        "suggestive": "a candidate: only suggestive, it does not survive correction",
        None: "not borne out",
    }[finding.standing]
    return (
        f"{_counts(finding)}; {method} p = {probability(verdict.p)}, "
        f"p = {probability(verdict.corrected)} corrected for {_many(found.tested, 'split')} tested "
        f"({_many(found.events, 'event')}; Westfall-Young max-T); {claim}; {DISCLAIMER}"
    )


def note(finding: Finding, found: Survey) -> str:
    """The statistic in one short line."""
    verdict = finding.verdict
    claim = finding.standing or "not borne out"
    return (
        f"contrast, {claim}: {_counts(finding)}, p = {probability(verdict.p)}, "
        f"corrected {probability(verdict.corrected)}, {found.tested} tested; {DISCLAIMER}"
    )


def citations(finding: Finding, found: Survey) -> tuple[Citation, ...]:
    """For: winners that did as the lesson says, losers that did not. Against: the other two."""
    cited: list[Citation] = []
    for at, (attempt, sign) in enumerate(zip(found.sample.attempts, found.sample.signs, strict=True)):
        followed = finding.follows(at)
        if followed is not None and sign:
            stance: Stance = "for" if followed == (sign > 0) else "against"
            cited.append(Citation(attempt.trajectory.id, stance))
    return tuple(cited)


def probability(p: float) -> str:
    """Two significant digits without the leading zero, e.g. `.0069`."""
    if p < 0.0001:
        return "less than .0001"
    digits = 4 if p < 0.01 else 3 if p < 0.1 else 2
    return f"{p:.{digits}f}".removeprefix("0")


def _counts(finding: Finding) -> str:
    winners, losers = finding.winners, finding.losers
    return (
        f"{winners[0]} of {_many(winners[1], 'winner')} did as it says, {losers[0]} of {_many(losers[1], 'loser')} did"
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
