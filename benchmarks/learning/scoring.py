"""Conventions that a learner has found, judged by behaviour: its decisions' codes against the world's own record.

A decision says of each attempt that met its situation which side it took. It is *right* where it splits the attempts
that met a convention as keeping and breaking it does (balanced agreement of at least .9 on attempts that it was not
learned from) and calls the keeping side better. What is only a consequence of a right choice splits attempts like it:
it counts as right again (a duplicate). All else is wrong: it splits like a decoy or like nothing, or the better side
is the breaking one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from learning.choices import Choice
from learning.data_sets import DataSet
from learning.play import Played
from learning.reading import advised
from learning.world import World

AGREEMENT = 0.9
"""Least mean of the shares of both sides that are coded alike."""
LEAST_SIDE = 8
"""Attempts on each side without which a split can't be judged."""
COVERAGE = 0.5
"""Share of the attempts that met a convention which the decision must have met to be right about all of it."""

Codes = Mapping[str, bool]
"""Attempt id → the side that it took; attempts that did not meet the decision's situation are absent."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The conventions that were found and the decisions that were wrong, these by their ids."""

    vary: frozenset[str]
    """Conventions that could be found: attempts kept them and broke them."""
    found: frozenset[str] = frozenset()
    """Conventions of which at least one decision is right."""
    duplicates: tuple[str, ...] = ()
    """Right decisions about a convention that another one had found already, consequences included."""
    partly: Mapping[str, str] = field(default_factory=dict)
    """Decisions that are right about a part: they warn of one of several wrong options, or speak of less than half of
    the attempts that met the convention → the convention."""
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Decisions that are wrong → why."""
    broad: tuple[str, ...] = ()
    """Right decisions whose situation is too wide: more than half of what they code never met the convention."""
    unread: tuple[str, ...] = ()
    """Judged by text only: lessons that no pattern understands."""

    def with_others(self, other: Scorecard) -> Scorecard:
        """This card and one of other lessons from the same attempts, as one."""
        return Scorecard(
            self.vary,
            self.found | other.found,
            self.duplicates + other.duplicates,
            {**self.partly, **other.partly},
            {**self.wrong, **other.wrong},
            self.broad + other.broad,
            self.unread + other.unread,
        )

    @property
    def found_of_varying(self) -> int:
        """Conventions that were found among those that vary."""
        return len(self.found & self.vary)


@dataclass(frozen=True, slots=True)
class Match:
    """The choice that a decision's split agrees with best."""

    choice: Choice
    agreement: float
    keeps: bool
    """True where the decision's `True` is the keeping side."""
    whole: bool = True
    """True where it speaks of the right option, and of most attempts that met the convention."""


def score(
    world: World,
    codes_by_decision: Mapping[str, Codes],
    better: Mapping[str, bool],
    fresh: Sequence[Played],
    learned_from: DataSet | None = None,
) -> Scorecard:
    """Judge decisions by their codes on fresh attempts; `better` names the side that each calls better.

    What varies is counted in `learned_from`, else in the fresh attempts. Needs about 200 fresh attempts.
    """
    found: set[str] = set()
    duplicates: list[str] = []
    partly: dict[str, str] = {}
    wrong: dict[str, str] = {}
    broad: list[str] = []
    for decision, codes in codes_by_decision.items():
        match = best_match(world, codes, fresh)
        if match is None or match.agreement < AGREEMENT:
            wrong[decision] = _nearest(match)
        elif match.choice.right is None:
            wrong[decision] = f"decoy {match.choice.id}"
        elif match.keeps != better[decision]:
            wrong[decision] = f"the wrong side of {match.choice.id}"
        elif not match.whole:
            partly[decision] = match.choice.id
        elif match.choice.id in found:
            duplicates.append(decision)
        else:
            found.add(match.choice.id)
        if decision not in wrong and match is not None and _precision(match.choice, codes, fresh) < 0.5:
            broad.append(decision)
    vary = (learned_from or DataSet(world, tuple(fresh))).varying()
    return Scorecard(vary, frozenset(found), tuple(duplicates), partly, wrong, tuple(broad))


def score_texts(world: World, lessons: Mapping[str, str], learned_from: DataSet) -> Scorecard:
    """Judge lessons by what their texts advise, by patterns: those that no pattern understands are unread."""
    found: set[str] = set()
    duplicates: list[str] = []
    wrong: dict[str, str] = {}
    unread: list[str] = []
    for lesson_id, text in lessons.items():
        advice = {each.id: option for each in world.conventions if (option := advised(each, text)) is not None}
        kept = {each.id for each in world.conventions if advice.get(each.id) == each.right}
        if not advice:
            unread.append(lesson_id)
        elif kept < advice.keys():
            wrong[lesson_id] = f"against {', '.join(sorted(advice.keys() - kept))}"
        elif kept <= found:
            duplicates.append(lesson_id)
        found |= kept
    return Scorecard(learned_from.varying(), frozenset(found), tuple(duplicates), {}, wrong, unread=tuple(unread))


def best_match(world: World, codes: Codes, fresh: Sequence[Played]) -> Match | None:
    """The convention or decoy whose record agrees best with a decision's codes; None where none can be compared."""
    matches = [match for choice in (*world.conventions, *world.decoys) for match in _matches(choice, codes, fresh)]
    return max(matches, key=lambda match: (match.agreement >= AGREEMENT and match.whole, match.agreement), default=None)


def _nearest(match: Match | None) -> str:
    if match is None:
        return "varies with no choice"
    return f"like no choice (nearest {match.choice.id}, {match.agreement:.2f})"


def _precision(choice: Choice, codes: Codes, fresh: Sequence[Played]) -> float:
    """Share of the coded attempts that met the choice."""
    coded = [each for each in fresh if each.attempt.trajectory.id in codes]
    return sum(choice.id in each.choices for each in coded) / len(coded)


def _matches(choice: Choice, codes: Codes, fresh: Sequence[Played]) -> Iterator[Match]:
    """The decision against the right option (or each option of a decoy), and against each of several wrong ones."""
    met = [each for each in fresh if choice.id in each.choices]
    if choice.right is None:
        for option in choice.options:
            yield from _compared(choice, [(each, each.choices[choice.id] == option.name) for each in met], codes)
        return
    record = [(each, each.choices[choice.id] == choice.right) for each in met]
    yield from _compared(choice, record, codes)
    if any(choice.id in each.cured for each in met):
        yield from _compared(choice, [(each, kept or choice.id in each.cured) for each, kept in record], codes)
        yield from _compared(choice, [pair for pair in record if choice.id not in pair[0].cured], codes)
    if len(choice.options) > 2:
        for option in choice.options:
            if option.name != choice.right:
                split = [(each, each.choices[choice.id] != option.name) for each in met]
                yield from _compared(choice, split, codes, whole=False)


def _compared(
    choice: Choice, record: Sequence[tuple[Played, bool]], codes: Codes, *, whole: bool = True
) -> Iterator[Match]:
    """The agreement of codes with a record of who kept, over the attempts that both speak of."""
    pairs = [(kept, codes[key]) for each, kept in record if (key := each.attempt.trajectory.id) in codes]
    keeping = [code for kept, code in pairs if kept]
    breaking = [code for kept, code in pairs if not kept]
    if min(len(keeping), len(breaking)) < LEAST_SIDE:
        return
    agreement = (sum(keeping) / len(keeping) + 1 - sum(breaking) / len(breaking)) / 2
    covers = len(pairs) >= COVERAGE * len(record)
    yield Match(choice, max(agreement, 1 - agreement), agreement >= 0.5, whole and covers)
