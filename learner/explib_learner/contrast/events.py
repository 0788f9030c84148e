"""What an attempt did or left: one small function per family of events.

An event is True, False or None for an attempt. None means that the attempt had no opportunity; it is left out of
its stratum. The opportunity of each family:

| family | opportunity | True |
|---|---|---|
| called, called_any | every attempt | called the tool (any tool) |
| first, last | at least one call | the first (last) call is of the tool |
| precedes (a, b) | b was called | a was called before the first call of b |
| follows (a, b) | b was called | a was called after the last call of b |
| repeated | the tool was called | it was called twice or more |
| identical | the tool (any tool) was called | some call was made twice with the same arguments |
| argument (a, x) | a was called | some call of a passed x |
| error | the tool (any tool) was called | a result was an error |
| error_next (a, b) | a (any tool) returned an error | the first call after the first error was of b |
| error_changed, error_same | the tool (any tool) returned an error | that call was of the same tool, with other \
(the same) arguments |
| error_stop | the tool (any tool) returned an error | there was no call after it |
| end_text | the agent has a step | its last step is text |
| answer | there is an answer | it has the form |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from explib_learner.contrast import templates as wording
from explib_learner.contrast.answer_form import forms
from explib_learner.contrast.trace import Mishap, Story

MAX_TOOLS = 25
"""Events are made of the tools that most attempts call: pairs grow with the square."""
MAX_ARGUMENTS = 12
"""Argument names per tool, the most frequent first."""

NO, YES, NO_OPPORTUNITY = 0, 1, 2
"""The bytes of a split."""

_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that an attempt does or leaves. `key` is stable between runs."""

    family: wording.Family
    names: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A stable name, e.g. `precedes:search,book`."""
        return f"{self.family}:{','.join(self.names)}"

    def lesson(self, *, did: bool) -> str | None:
        """The lesson of winners who did (or left) it; None where there is nothing to advise."""
        return wording.lesson(self.family, self.names, did=did)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that events may speak of: safe to quote, and few enough to test in pairs."""

    tools: tuple[str, ...]
    arguments: dict[str, tuple[str, ...]]


Observation: TypeAlias = tuple[Event, bool]
Extractor: TypeAlias = Callable[[Story, Vocabulary], Iterator[Observation]]


def vocabulary(stories: Sequence[Story]) -> Vocabulary:
    """The most frequent tools and their arguments, by the number of attempts; unsafe names are left out."""
    tools = Counter(tool for story in stories for tool in story.tools if _NAME.fullmatch(tool))
    kept = _most_frequent(tools, MAX_TOOLS)
    arguments: dict[str, Counter[str]] = {tool: Counter() for tool in kept}
    for story in stories:
        passed = {(call.tool, name) for call in story.calls if call.tool in arguments for name in call.arguments}
        for tool, name in passed:
            if _NAME.fullmatch(name):
                arguments[tool][name] += 1
    return Vocabulary(kept, {tool: _most_frequent(names, MAX_ARGUMENTS) for tool, names in arguments.items()})


def splits(stories: Sequence[Story]) -> dict[Event, bytes]:
    """For each event, one byte per story: NO, YES or NO_OPPORTUNITY."""
    known = vocabulary(stories)
    table: dict[Event, bytearray] = {}
    blank = bytes([NO_OPPORTUNITY]) * len(stories)
    for at, story in enumerate(stories):
        for extractor in EXTRACTORS:
            for event, happened in extractor(story, known):
                if event not in table:
                    table[event] = bytearray(blank)
                table[event][at] = YES if happened else NO
    return {event: bytes(split) for event, split in table.items()}


def calls_made(story: Story, known: Vocabulary) -> Iterator[Observation]:
    """Families called, called_any, first and last."""
    yield Event("called_any"), bool(story.calls)
    called = story.tools
    for tool in known.tools:
        yield Event("called", (tool,)), tool in called
        if story.calls:
            yield Event("first", (tool,)), story.calls[0].tool == tool
            yield Event("last", (tool,)), story.calls[-1].tool == tool


def order_of_calls(story: Story, known: Vocabulary) -> Iterator[Observation]:
    """Families precedes and follows."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for at, call in enumerate(story.calls):
        first.setdefault(call.tool, at)
        last[call.tool] = at
    for anchor in known.tools:
        if anchor not in first:
            continue
        for tool in known.tools:
            if tool != anchor:
                yield Event("precedes", (tool, anchor)), first.get(tool, len(story.calls)) < first[anchor]
                yield Event("follows", (tool, anchor)), last.get(tool, -1) > last[anchor]


def repeated_calls(story: Story, known: Vocabulary) -> Iterator[Observation]:
    """Families repeated and identical."""
    if not story.calls:
        return
    times = Counter(call.tool for call in story.calls)
    seen = Counter((call.tool, call.fingerprint) for call in story.calls)
    doubled = {tool for (tool, _), count in seen.items() if count > 1}
    yield Event("identical", (wording.ANY_TOOL,)), bool(doubled)
    for tool in known.tools:
        if times[tool]:
            yield Event("repeated", (tool,)), times[tool] > 1
            yield Event("identical", (tool,)), tool in doubled


def arguments_passed(story: Story, known: Vocabulary) -> Iterator[Observation]:
    """Family argument."""
    passed: dict[str, set[str]] = {}
    for call in story.calls:
        passed.setdefault(call.tool, set()).update(call.arguments)
    for tool, names in known.arguments.items():
        if tool in passed:
            for name in names:
                yield Event("argument", (tool, name)), name in passed[tool]


def errors_met(story: Story, known: Vocabulary) -> Iterator[Observation]:
    """Families error and error_*: which tools returned errors, and what was done right after the first one."""
    if not story.calls:
        return
    called = story.tools
    first: dict[str, Mishap] = {}
    for mishap in story.mishaps:
        first.setdefault(wording.ANY_TOOL, mishap)
        first.setdefault(mishap.failed.tool, mishap)
    for tool in (wording.ANY_TOOL, *known.tools):
        if tool == wording.ANY_TOOL or tool in called:
            yield Event("error", (tool,)), tool in first
        if tool in first:
            yield from _reaction(tool, first[tool], known)


def _reaction(tool: str, mishap: Mishap, known: Vocabulary) -> Iterator[Observation]:
    failed, following = mishap.failed, mishap.following
    again = following is not None and following.tool == failed.tool
    same = following is not None and following.fingerprint == failed.fingerprint
    yield Event("error_stop", (tool,)), following is None
    yield Event("error_same", (tool,)), same
    yield Event("error_changed", (tool,)), again and not same
    for other in known.tools:
        if other != tool:
            yield Event("error_next", (tool, other)), following is not None and following.tool == other


def end_of_attempt(story: Story, _: Vocabulary) -> Iterator[Observation]:
    """Families end_text and answer."""
    if story.ends_with_text is not None:
        yield Event("end_text"), story.ends_with_text
    if story.answer is not None:
        for form, has in forms(story.answer).items():
            yield Event("answer", (form,)), has


EXTRACTORS: tuple[Extractor, ...] = (
    calls_made,
    order_of_calls,
    repeated_calls,
    arguments_passed,
    errors_met,
    end_of_attempt,
)
"""One per family or two; each yields the events that a story had the opportunity for."""


def gap(event: Event, stories: Sequence[Story], split: bytes) -> float:
    """How many calls lie between the two of an ordered pair, on average where they occur; 0 for other families."""
    if event.family not in ("precedes", "follows"):
        return 0.0
    tool, anchor = event.names
    gaps: list[int] = []
    for story, happened in zip(stories, split, strict=True):
        if happened == YES:
            names = [call.tool for call in story.calls]
            if event.family == "follows":
                names.reverse()
            gaps.append(abs(names.index(anchor) - names.index(tool)))
    return sum(gaps) / len(gaps) if gaps else 0.0


def _most_frequent(counts: Counter[str], limit: int) -> tuple[str, ...]:
    return tuple(sorted(counts, key=lambda name: (-counts[name], name))[:limit])
