"""One trace with what its predicates derive from it, each derived once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from explib_learner.grammar.choices import Choice, choices_of
from explib_learner.grammar.files import edited
from explib_learner.grammar.keys import Names
from explib_learner.grammar.records import Record, Scalar, numbers
from explib_learner.grammar.trace import AttemptTrace, Call

WHOLE = -1
"""The anchor of what is true of an attempt as a whole."""

FIELD, ARGUMENT, WORD, TASK = "field", "argument", "word", "task"
"""Kinds of facts: (field, tool, path), (argument, name), (word, word of the task), (task, word beside a number)."""

Facts: TypeAlias = Mapping[Names, Scalar]

_WORDS = re.compile(r"[^\W\d_]{3,30}")
_MARKS = re.compile(r"[\w.@/-]*\w")
_SHORTEST = 3
_ACT_FIELDS = 2
"""The answer to an act has at most so many."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One value, and the call at which it arose (`WHOLE` for the attempt)."""

    value: Scalar
    anchor: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """A record with where it came from and the texts by which it is tied to others."""

    at: int
    tool: str
    record: Record
    ties: frozenset[str]


@dataclass(slots=True)
class _Best:
    rank: tuple[int, int]
    value: Scalar
    ambiguous: bool = False


class Reading:
    """A trace and the facts that hold at each of its calls."""

    def __init__(self, trace: AttemptTrace) -> None:
        self.trace = trace
        self.memo: dict[str, Mapping[Names, Sequence[Instance]]] = {}
        """What each family read, by its name."""
        self._facts: dict[int, Facts] = {}

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the task in lower case, without numbers."""
        return frozenset(words_of(self.trace.task))

    @cached_property
    def choices(self) -> Sequence[Choice]:
        """The rows of lists that its calls chose."""
        return tuple(choices_of(self.trace.calls))

    @cached_property
    def first(self) -> Mapping[str, int]:
        """Position of the first call of each tool."""
        return {call.name: at for at, call in reversed(list(enumerate(self.trace.calls)))}

    @cached_property
    def last(self) -> Mapping[str, int]:
        """Position of the last call of each tool."""
        return {call.name: at for at, call in enumerate(self.trace.calls)}

    @cached_property
    def of(self) -> Mapping[str, Sequence[int]]:
        """Positions of all calls of each tool."""
        places: dict[str, list[int]] = {}
        for at, call in enumerate(self.trace.calls):
            places.setdefault(call.name, []).append(at)
        return places

    @cached_property
    def changes(self) -> Mapping[str, tuple[int, int]]:
        """Positions of the first and last change of each kind of file."""
        found: dict[str, tuple[int, int]] = {}
        for at, call in enumerate(self.trace.calls):
            for kind in edited(call):
                found[kind] = (found.get(kind, (at, at))[0], at)
        return found

    @cached_property
    def spoken(self) -> Facts:
        """Words and numbers of the task as facts."""
        facts: dict[Names, Scalar] = {(WORD, word): True for word in self.words}
        facts.update({(TASK, name): value for name, value in numbers(self.trace.task[:4000]).items()})
        return facts

    def facts(self, anchor: int) -> Facts:
        """Fields of earlier answers about what the call speaks of; for the whole attempt, about what the task names.

        Of the whole attempt only opening answers count: later ones may tell how it went.
        """
        if anchor not in self._facts:
            self._facts[anchor] = self._gathered(anchor)
        return self._facts[anchor]

    @cached_property
    def _records(self) -> tuple[_Seen, ...]:
        seen: list[_Seen] = []
        for at, call in enumerate(self.trace.calls):
            asked = _texts(call.arguments)
            for record in call.answer.records:
                ties = _texts(record.fields)
                seen.append(_Seen(at, call.name, record, ties if record.in_list else ties | asked))
        return tuple(seen)

    @cached_property
    def _opening(self) -> int:
        """Position of the first call that told hardly anything: an act, as far as can be seen."""
        told = [sum(len(record.fields) for record in call.answer.records) for call in self.trace.calls]
        return next((at for at, fields in enumerate(told) if fields <= _ACT_FIELDS), len(told))

    @cached_property
    def _named_in_task(self) -> frozenset[str]:
        task = self.trace.task
        marks = {mark for mark in _MARKS.findall(task) if any(sign.isdigit() for sign in mark)}
        asked = {text for call in self.trace.calls for text in _texts(call.arguments) if text in task}
        return frozenset(marks | asked)

    def _gathered(self, anchor: int) -> Facts:
        call = self.trace.calls[anchor] if anchor >= 0 else None
        until = self._opening if call is None else anchor
        earlier = [seen for seen in self._records if seen.at < until]
        direct = _texts(call.arguments) if call is not None else self._named_in_task
        numbered = (
            {}
            if call is None
            else {name: value for name, value in call.arguments.items() if isinstance(value, float) and name[0] != "#"}
        )
        tied = [bool(seen.ties & direct) or _numbered(seen.record, numbered) for seen in earlier]
        near = {text for seen, hit in zip(earlier, tied, strict=True) if hit for text in _marks(seen)}
        best: dict[Names, _Best] = {}
        for seen, hit in zip(earlier, tied, strict=True):
            score = 2 if hit else int(not near.isdisjoint(seen.ties))
            _entered(best, seen, score)
        facts = {name: entry.value for name, entry in best.items() if not entry.ambiguous}
        if call is not None:
            facts.update({(ARGUMENT, name): value for name, value in call.arguments.items()})
        facts.update(self.spoken)
        return facts


def _numbered(record: Record, numbered: Mapping[str, Scalar]) -> bool:
    return any(record.fields.get(name) == value for name, value in numbered.items())


def _texts(fields: Mapping[str, Scalar]) -> frozenset[str]:
    """Values that can tie a call to a record: texts of one line and some length."""
    return frozenset(
        value
        for value in fields.values()
        if isinstance(value, str) and _SHORTEST <= len(value) <= 60 and "\n" not in value
    )


def _marks(seen: _Seen) -> frozenset[str]:
    """Texts with a digit, which are likely names of one thing; also of the objects around a record."""
    texts = seen.ties | _texts(seen.record.around)
    return frozenset(text for text in texts if any(sign.isdigit() for sign in text))


def _entered(best: dict[Names, _Best], seen: _Seen, score: int) -> None:
    """Keep a record's fields where it is tied more closely than what is there; of untied ones only what is unique."""
    rank = (score, seen.at if score else 0)
    for path, value in [*seen.record.around.items(), *seen.record.fields.items()]:
        name = (FIELD, seen.tool, path)
        entry = best.get(name)
        if entry is None or rank > entry.rank:
            best[name] = _Best(rank, value)
        elif rank == entry.rank and entry.value != value:
            entry.ambiguous = True


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without numbers."""
    return [word.casefold() for word in _WORDS.findall(text)]


def calls_of(reading: Reading, tool: str) -> list[tuple[int, Call]]:
    """The calls of a tool with their positions."""
    return [(at, reading.trace.calls[at]) for at in reading.of.get(tool, ())]
