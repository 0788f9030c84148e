"""From graded groups to findings: events that separate winners from losers, each with its counts and its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from explib.models.groups import GradedGroup
from explib.models.trajectories import Attempt
from explib_learner.contrast.events import NO, NO_OPPORTUNITY, YES, Event, gap, splits
from explib_learner.contrast.statistics import ALPHA, Rewards, Verdict, canonical, judge, quick_p, similarity
from explib_learner.contrast.templates import Family
from explib_learner.contrast.trace import Story, read_story

Standing: TypeAlias = Literal["supported", "suggestive"]

MAX_SUPPORTED = 5
"""Supported findings of one run."""
MAX_SUGGESTIVE = 3
"""Suggestive findings of one run."""
MIN_WINNERS = MIN_LOSERS = 3
MIN_GROUPS = 2
MAX_ATTEMPTS = 5_000
"""Attempts that one run tests, the newest groups first: bounds time and memory."""
SYNONYM = 0.9
"""Similarity from which two findings are one."""
RELATED = 0.3
"""Similarity from which a finding must have something of its own beside a stronger one, like all on a shared name."""
_SAME_REWARD = 1e-9

_RANK: tuple[Family, ...] = (
    "identical", "argument", "error_changed", "error_same", "error_next", "precedes", "called", "repeated",
    "follows", "first", "last", "error_stop", "answer", "end_text", "called_any", "error",
)  # fmt: skip
"""Which of several events with one split speaks for all: the one that says most exactly what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The attempts of all groups whose rewards differ, group by group, with what is needed of each."""

    attempts: tuple[Attempt, ...]
    stories: tuple[Story, ...]
    rewards: Rewards
    signs: tuple[int, ...]
    """1 for a winner (reward over its group's mean), -1 for a loser, 0 at the mean."""
    left_out: int
    """Attempts beyond `MAX_ATTEMPTS`."""

    @property
    def winners(self) -> int:
        """Attempts over their group's mean."""
        return self.signs.count(1)

    @property
    def losers(self) -> int:
        """Attempts under their group's mean."""
        return self.signs.count(-1)

    @property
    def groups(self) -> int:
        """Groups whose rewards differ."""
        return len(set(self.rewards.groups))


@dataclass(frozen=True, slots=True)
class Finding:
    """One event with its verdict, in the direction that the rewards point."""

    event: Event
    did: bool
    """Whether winners did it (else they left it)."""
    verdict: Verdict
    split: bytes
    """One byte per attempt of the sample."""
    test: bytes
    """The split as it was tested: equal for two findings that are one."""
    winners: tuple[int, int]
    """Winners that did as the lesson says, and winners that had the opportunity."""
    losers: tuple[int, int]
    """The same of losers."""
    groups: int
    """Groups in which the event and the reward both vary."""
    rank: tuple[bool, int, float, str]
    """Which of several with one split speaks for all: the lowest."""
    borne_out: bool = True
    """False for a lesson that the rewards speak against."""

    @property
    def content(self) -> str | None:
        """The lesson; None where there is nothing to advise."""
        return self.event.lesson(did=self.did)

    @property
    def suggestive(self) -> bool:
        """Whether the uncorrected p is at most `ALPHA`, in the direction of the lesson."""
        return self.borne_out and self.verdict.p <= ALPHA

    @property
    def standing(self) -> Standing | None:
        """What may be claimed: supported after correction, suggestive, or nothing."""
        enough = self.winners[1] >= MIN_WINNERS and self.losers[1] >= MIN_LOSERS and self.groups >= MIN_GROUPS
        if not (enough and self.suggestive):
            return None
        return "supported" if self.verdict.corrected <= ALPHA else "suggestive"

    def reversed(self) -> Finding:
        """The opposite lesson on the same event, which the rewards do not bear out."""
        return replace(
            self,
            did=not self.did,
            borne_out=False,
            winners=(self.winners[1] - self.winners[0], self.winners[1]),
            losers=(self.losers[1] - self.losers[0], self.losers[1]),
        )

    def follows(self, at: int) -> bool | None:
        """Whether the attempt did as the lesson says; None without an opportunity."""
        return None if self.split[at] == NO_OPPORTUNITY else (self.split[at] == YES) == self.did


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that was tested, and on what."""

    sample: Sample
    findings: tuple[Finding, ...]
    """One per event that could be tested, strongest first."""
    events: int
    """Events that were looked for."""
    tested: int
    """Distinct splits that were tested: events with one split are one test."""


def sample(groups: Sequence[GradedGroup]) -> Sample:
    """The groups whose rewards differ, in the order of their ids, the newest where there are too many."""
    mixed = {group.group.id: group for group in groups if _differs(_graded(group))}
    newest = sorted(mixed.values(), key=lambda group: (-_age(group), group.group.id))
    kept: list[GradedGroup] = []
    total = left_out = 0
    for group in newest:
        size = len(_graded(group))
        if total + size > MAX_ATTEMPTS and kept:
            left_out += size
        else:
            kept.append(group)
            total += size
    kept.sort(key=lambda group: group.group.id)
    attempts = [(at, attempt) for at, group in enumerate(kept) for attempt in _graded(group)]
    return Sample(
        attempts=tuple(attempt for _, attempt in attempts),
        stories=tuple(read_story(attempt) for _, attempt in attempts),
        rewards=Rewards(tuple(attempt.reward for _, attempt in attempts), tuple(at for at, _ in attempts)),
        signs=tuple(sign for group in kept for sign in _signs(group)),
        left_out=left_out,
    )


def survey(groups: Sequence[GradedGroup]) -> Survey:
    """Look for every event, merge those with one split, and test what is left together."""
    seen = sample(groups)
    found = splits(seen.stories)
    tests: dict[bytes, list[Event]] = {}
    for event in sorted(found):
        test = canonical(found[event], seen.rewards)
        if test is not None:
            tests.setdefault(test, []).append(event)
    verdicts = judge([found[events[0]] for events in tests.values()], seen.rewards)
    findings = [
        _finding(event, found[event], test, verdict, seen, opposite=_flipped(found[events[0]], test))
        for (test, events), verdict in zip(tests.items(), verdicts, strict=True)
        for event in events
    ]
    findings.sort(key=lambda finding: (finding.verdict.p, -abs(finding.verdict.z), finding.rank))
    return Survey(seen, tuple(findings), len(found), len(tests))


def select(found: Survey) -> tuple[Finding, ...]:
    """What one run may claim: the strongest, each with something of its own to say, within the limits."""
    room: dict[Standing, int] = {"supported": MAX_SUPPORTED, "suggestive": MAX_SUGGESTIVE}
    chosen: list[Finding] = []
    for standing in room:
        eligible = [finding for finding in found.findings if finding.standing == standing and finding.content]
        needed = ALPHA / max(1, len({finding.test for finding in eligible}))
        for finding in eligible:
            if room[standing] and not any(
                is_synonym(finding, other, found) or _is_echo(finding, other, found, needed) for other in chosen
            ):
                chosen.append(finding)
                room[standing] -= 1
    return tuple(chosen)


def _overlap(split: bytes, within: bytes) -> bytes:
    """The split among the attempts that have an opportunity in another one."""
    return bytes(
        happened if other != NO_OPPORTUNITY else NO_OPPORTUNITY for happened, other in zip(split, within, strict=True)
    )


def is_synonym(first: Finding, second: Finding, found: Survey) -> bool:
    """Whether two findings split the attempts the same way, or very nearly."""
    return first.test == second.test or similarity(first.test, second.test, found.sample.rewards) > SYNONYM


def _is_echo(finding: Finding, stronger: Finding, found: Survey, needed: float) -> bool:
    """Whether too little is left of a related finding among attempts that are alike in the stronger one."""
    rewards = found.sample.rewards
    shared = set(finding.event.names) & set(stronger.event.names)
    if not shared and similarity(finding.split, _overlap(stronger.split, finding.split), rewards) < RELATED:
        return False
    strata = list(zip(rewards.groups, stronger.split, strict=True))
    order = sorted(range(len(strata)), key=lambda at: strata[at])
    numbers = {stratum: number for number, stratum in enumerate(sorted(set(strata)))}
    finer = Rewards(tuple(rewards.values[at] for at in order), tuple(numbers[strata[at]] for at in order))
    split = bytes(finding.split[at] for at in order)
    return quick_p(split, finer) > needed


def _finding(event: Event, split: bytes, test: bytes, verdict: Verdict, seen: Sample, *, opposite: bool) -> Finding:
    """`opposite`: whether the event that was judged for this test is the opposite of `test`."""
    did = (verdict.z > 0) == (_flipped(split, test) == opposite)
    lesson = event.lesson(did=did)
    distance = gap(event, seen.stories, split) if verdict.p <= ALPHA else 0.0
    negative = lesson is None or "do not" in lesson
    return Finding(
        event=event,
        did=did,
        verdict=verdict,
        split=split,
        test=test,
        winners=_count(split, seen, 1, YES if did else NO),
        losers=_count(split, seen, -1, YES if did else NO),
        groups=sum(1 for did_, left in _by_group(test, seen.rewards) if len(set(did_ + left)) > 1),
        rank=(negative, _RANK.index(event.family), distance, event.key),
    )


def _flipped(split: bytes, test: bytes) -> bool:
    return next(mine != tested for mine, tested in zip(split, test, strict=True) if tested != NO_OPPORTUNITY)


def _count(split: bytes, seen: Sample, sign: int, followed: int) -> tuple[int, int]:
    theirs = [happened for happened, mine in zip(split, seen.signs, strict=True) if mine == sign]
    return theirs.count(followed), len(theirs) - theirs.count(NO_OPPORTUNITY)


def _by_group(test: bytes, rewards: Rewards) -> Iterator[tuple[list[float], list[float]]]:
    parts: dict[int, tuple[list[float], list[float]]] = {}
    for happened, reward, group in zip(test, rewards.values, rewards.groups, strict=True):
        if happened != NO_OPPORTUNITY:
            parts.setdefault(group, ([], []))[0 if happened == YES else 1].append(reward)
    yield from parts.values()


def _graded(group: GradedGroup) -> list[Attempt]:
    graded = [attempt for attempt in group.attempts if attempt.trajectory.reward is not None]
    return sorted(graded, key=lambda attempt: attempt.trajectory.id)


def _age(group: GradedGroup) -> float:
    return max(attempt.trajectory.created_at for attempt in group.attempts)


def _differs(attempts: Sequence[Attempt]) -> bool:
    rewards = [attempt.reward for attempt in attempts]
    return len(rewards) > 1 and max(rewards) - min(rewards) > _SAME_REWARD


def _signs(group: GradedGroup) -> list[int]:
    rewards = [attempt.reward for attempt in _graded(group)]
    mean = sum(rewards) / len(rewards)
    return [(reward > mean + _SAME_REWARD) - (reward < mean - _SAME_REWARD) for reward in rewards]
