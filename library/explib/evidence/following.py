"""The way of a lesson from being served to what came of it: seen, met, followed. Counts and means, no cause is claimed.

*Seen*: an attempt names the retrieval that served it. *Met*: the attempt was coded at the lesson's decision.
*Followed*: its code is the lesson's option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple, TypeAlias

from explib.models.decisions import UNCLEAR, Code
from explib.models.experiences import Experience

LessonVersion: TypeAlias = tuple[str, int]
"""An experience's id and version: what is counted belongs to what was said."""


class Shown(NamedTuple):
    """An attempt whose model was shown lessons."""

    trajectory_id: str
    reward: float | None
    lessons: frozenset[LessonVersion]


@dataclass(frozen=True, slots=True)
class Side:
    """Attempts that acted alike, and the mean reward of those that have one."""

    attempts: int = 0
    graded: int = 0
    mean: float | None = None

    @classmethod
    def of(cls, rewards: Sequence[float | None]) -> Side:
        """From the reward of each attempt."""
        graded = [reward for reward in rewards if reward is not None]
        return cls(len(rewards), len(graded), fmean(graded) if graded else None)


@dataclass(frozen=True, slots=True)
class Following:
    """One version of a lesson, or several lessons together: who saw it, who met its situation, who did as it says."""

    seen: int = 0
    met: int = 0
    """Of those that saw it; what the learner has not coded yet is not among them."""
    followed: Side = field(default_factory=Side)
    otherwise: Side = field(default_factory=Side)
    """Saw it, met its situation and took another option."""


NOT_SEEN = Following()


def followings(
    experiences: Iterable[Experience], shown: Iterable[Shown], codes: Iterable[Code]
) -> dict[str, Following]:
    """Experience id → its way, of those that were seen in their current version."""
    seen: dict[LessonVersion, list[Shown]] = {}
    for attempt in shown:
        for lesson in attempt.lessons:
            seen.setdefault(lesson, []).append(attempt)
    letters = {(code.decision_id, code.trajectory_id): code.letter for code in codes}
    ways = {each.id: _way(each, seen.get((each.id, each.version), ()), letters) for each in experiences}
    return {experience_id: way for experience_id, way in ways.items() if way.seen}


def _way(experience: Experience, seen: Sequence[Shown], letters: Mapping[tuple[str, str], str]) -> Following:
    decision = experience.decision_id or ""
    took = [(letters.get((decision, attempt.trajectory_id)), attempt.reward) for attempt in seen]
    met = [(letter, reward) for letter, reward in took if letter is not None]
    return Following(
        seen=len(seen),
        met=len(met),
        followed=Side.of([reward for letter, reward in met if letter == experience.option]),
        otherwise=Side.of([reward for letter, reward in met if letter not in (experience.option, UNCLEAR)]),
    )


def together(ways: Iterable[Following]) -> Following:
    """The ways of several lessons as one: an attempt counts once for each lesson that it saw."""
    every = list(ways)
    return Following(
        sum(way.seen for way in every),
        sum(way.met for way in every),
        _sum([way.followed for way in every]),
        _sum([way.otherwise for way in every]),
    )


def _sum(sides: Sequence[Side]) -> Side:
    graded = sum(side.graded for side in sides)
    total = sum(side.graded * side.mean for side in sides if side.mean is not None)
    return Side(sum(side.attempts for side in sides), graded, total / graded if graded else None)
