"""Candidate decisions of a set of attempts, named blind to rewards: every test that splits them, one for each split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explib_learner.grammar.catalogue import FAMILIES
from explib_learner.grammar.coding import holds_of, instances, letter, majority, readings_of
from explib_learner.grammar.cutting import tests
from explib_learner.grammar.family import PredicateFamily
from explib_learner.grammar.keys import Condition, Names, Predicate, Test
from explib_learner.grammar.reading import WHOLE, WORD, Instance, Reading
from explib_learner.grammar.records import Scalar
from explib_learner.grammar.scores import Floats

Column: TypeAlias = NDArray[np.int8]
"""For each attempt 1 (option a), 0 (option b) or NOT_MET."""
Columns: TypeAlias = NDArray[np.int8]

NOT_MET = -1
LEAST = 3
"""Attempts that a side must have."""
MOST_NAMES = 2500
"""Measures of one family, the most frequent first."""
MOST_FACTS = 260
"""Conditions that are tried at the calls of one tool."""
_CUTS = 7
_BOUND_RANK = 2
"""By so much a bound is less plain than a value: many bounds happen to split like something else."""
_RARE = 0.03
"""Share of the attempts that a side must have."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A predicate with the column that it codes."""

    predicate: Predicate
    column: Column
    rank: int
    anchor: Names
    """The tools at whose calls it is decided; empty where it is a matter of the whole attempt."""
    direction: Floats
    """The column minus its mean where it was met, 0 elsewhere, at length 1."""


def candidate_of(predicate: Predicate, column: Column, rank: int, anchor: Names) -> Candidate:
    """A candidate with its direction."""
    met = column != NOT_MET
    deviations = np.where(met, column - (column[met].mean() if met.any() else 0.0), 0.0)
    return Candidate(predicate, column, rank, anchor, deviations / max(float(np.linalg.norm(deviations)), 1e-12))


def candidates(readings: Sequence[Reading]) -> list[Candidate]:
    """All candidates without conditions, the plainest first; of equal splits only the plainest."""
    least = fewest(len(readings))
    kept: dict[bytes, Candidate] = {}
    for family in FAMILIES.values():
        for each in _of_family(family, readings, least):
            split = split_of(each.column)
            if split not in kept or plainness(each) < plainness(kept[split]):
                kept[split] = each
    return sorted(kept.values(), key=plainness)


def plainness(candidate: Candidate) -> tuple[bool, int, int, str]:
    """The order in which descriptions of one split are preferred: general, of a plain family, short."""
    predicate = candidate.predicate
    return predicate.condition is not None, rank_of(candidate), len(predicate.key), predicate.key


def rank_of(candidate: Candidate) -> int:
    """The rank of its family, lower by some for a bound."""
    bounded = candidate.predicate.test.kind == "least" and candidate.predicate.family != "times"
    return candidate.rank + _BOUND_RANK * bounded


def fewest(attempts: int) -> int:
    """Attempts that each side of a split must have."""
    return max(LEAST, round(_RARE * attempts))


def split_of(column: Column) -> bytes:
    """Equal for columns that split the same attempts in the same two parts."""
    own, mirrored = column.tobytes(), np.where(column == NOT_MET, column, 1 - column).astype(np.int8).tobytes()
    return min(own, mirrored)


def column_of(predicate: Predicate, readings: Sequence[Reading]) -> Column:
    """Code all attempts."""
    return as_column([letter(predicate, reading) for reading in readings])


def as_column(letters: Sequence[str | None]) -> Column:
    """Letters as numbers."""
    return np.array([NOT_MET if each is None else int(each == "a") for each in letters], dtype=np.int8)


def varies(column: Column, least: int) -> bool:
    """Whether both sides have enough attempts."""
    return bool((column == 1).sum() >= least and (column == 0).sum() >= least)


def _of_family(family: PredicateFamily, readings: Sequence[Reading], least: int) -> Iterator[Candidate]:
    for names in _names(family, readings, least):
        seen = [instances(family.name, names, reading) for reading in readings]
        values = [frozenset(instance.value for instance in found) for found in seen]
        anchor = names if family.name == "instead" else _anchor(seen, readings)
        for test in tests(values, least, _CUTS if family.cuts else 0):
            column = as_column([majority(test, found) for found in seen])
            if varies(column, least):
                yield candidate_of(Predicate(family.name, names, test), column, family.rank, anchor)


def _names(family: PredicateFamily, readings: Sequence[Reading], least: int) -> list[Names]:
    if family.name == "instead":
        return list(_alternatives(readings, least))
    counts: Counter[Names] = Counter()
    for reading in readings:
        counts.update(readings_of(family, reading).keys())
    return [names for names, count in counts.most_common(MOST_NAMES) if count >= least]


def _alternatives(readings: Sequence[Reading], least: int) -> Iterator[Names]:
    """Pairs of tools that take an argument of the same name and hardly ever meet."""
    takes: defaultdict[str, set[str]] = defaultdict(set)
    for reading in readings:
        for call in reading.trace.calls:
            takes[call.name] |= set(call.arguments)
    used = {tool: np.array([tool in reading.first for reading in readings]) for tool in takes}
    tools = sorted(tool for tool in takes if used[tool].sum() >= least)
    for a, b in combinations(tools, 2):
        alike = len(takes[a] & takes[b]) >= 0.5 * max(len(takes[a]), len(takes[b]))
        if alike and (used[a] & used[b]).sum() <= 0.1 * min(used[a].sum(), used[b].sum()):
            yield a, b


def _anchor(seen: Sequence[Sequence[Instance]], readings: Sequence[Reading]) -> Names:
    for found, reading in zip(seen, readings, strict=True):
        if found:
            return () if found[0].anchor == WHOLE else (reading.trace.calls[found[0].anchor].name,)
    return ()


def conditions(readings: Sequence[Reading], tools: Names) -> tuple[list[Condition], Columns]:
    """Conditions that some attempts meet at their first call of one of the tools (none: as a whole).

    Attempts × conditions, 1 where one is met.
    """
    least = fewest(len(readings))
    places = [_place(reading, tools) for reading in readings]
    known = [None if at is None else reading.facts(at) for at, reading in zip(places, readings, strict=True)]
    present = sum(facts is not None for facts in known)
    counts: Counter[Names] = Counter(fact for facts in known if facts for fact in facts)
    kept: dict[bytes, tuple[Condition, Column]] = {}
    for fact, _ in counts.most_common():
        values = [frozenset() if facts is None or fact not in facts else frozenset({facts[fact]}) for facts in known]
        for test in _narrowing(fact, values, least):
            condition = Condition(fact, test)
            column = np.array([facts is not None and holds_of(condition, facts) for facts in known], dtype=np.int8)
            if 2 * least <= column.sum() <= present - least:
                kept.setdefault(column.tobytes(), (condition, column))
        if len(kept) >= MOST_FACTS:
            break
    found = list(kept.values())
    table = np.array([column for _, column in found], dtype=np.int8).reshape(len(found), len(readings)).T
    return [condition for condition, _ in found], table


def _place(reading: Reading, tools: Names) -> int | None:
    if not tools:
        return WHOLE
    return min((reading.first[tool] for tool in tools if tool in reading.first), default=None)


def _narrowing(fact: Names, values: Sequence[frozenset[Scalar]], least: int) -> Iterator[Test]:
    if fact[0] == WORD:
        yield from (Test("is", True), Test("not", True))
        return
    for test in tests(values, least, _CUTS):
        yield test
        if test.kind == "least" or not isinstance(test.value, float):
            yield test.opposite
