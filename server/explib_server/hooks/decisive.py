"""Lessons that are about a tool call: their situation names its command, or a file that it works on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.storage.store import Store
from explib.trajectories.values import loads
from explib_learner.grammar.commands import command_text, commands

_NAMED = re.compile(r"`([^`]+)`")
_SITUATION = re.compile(r"when\s+(.+?),\s", re.IGNORECASE)
"""The condition of a lesson that a person wrote."""
_PATCHED = re.compile(r"\*\*\* (?:Update|Add|Delete) File: ([^\n\\]+)")
MOST_LIBRARIES = 100
MOST_PATH = 1_000


@dataclass(frozen=True, slots=True)
class Situated:
    """A lesson with what its situation names, and what it recommends instead."""

    lesson: Experience
    names: frozenset[str]
    wanted: frozenset[str]


@dataclass(slots=True)
class DecisiveLessons:
    """The lessons of each library that can be about a tool call, read once for each of its revisions."""

    store: Store
    _read: dict[int, tuple[int, list[Situated]]] = field(default_factory=dict)

    async def about(self, library: Library, names: frozenset[str]) -> list[Situated]:
        """The lessons about what a call can be named by, the pinned ones first."""
        found = [known for known in await self._lessons(library) if known.names & names]
        return sorted(found, key=lambda known: not known.lesson.pinned)

    async def _lessons(self, library: Library) -> list[Situated]:
        revision, lessons = self._read.get(library.id, (-1, []))
        if revision != library.revision:
            lessons = [known async for known in self._situated(library)]
            if len(self._read) >= MOST_LIBRARIES:
                self._read.clear()
            self._read[library.id] = library.revision, lessons
        return lessons

    async def _situated(self, library: Library) -> AsyncIterator[Situated]:
        """Lessons that a person stands for, or whose decision is believed, and whose situation names something."""
        experiences = await self.store.revisions.experiences(library)
        active = [lesson for lesson in experiences if lesson.status == "active"]
        named = {lesson.decision_id for lesson in active if lesson.decision_id is not None}
        entries = {entry.decision.id: entry for entry in await self.store.codebooks.entries(library, named)}
        for lesson in active:
            entry = entries.get(lesson.decision_id or "")
            believed = entry is not None and entry.verdict is not None and entry.verdict.state == "believed"
            if lesson.pinned or believed:
                written = _SITUATION.match(lesson.content)
                situation = entry.decision.situation if entry is not None else written[1] if written else ""
                if names := _named(situation):
                    yield Situated(lesson, names, _named(lesson.content) - names)


def _named(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in _NAMED.findall(text))


def names_of(tool: str, arguments: str) -> frozenset[str]:
    """What a call can be named by: its commands with and without sub-command, its files, the tool of a server."""
    return frozenset(_names(tool, arguments))


def _names(tool: str, arguments: str) -> Iterator[str]:
    if "__" in tool:
        yield tool.rpartition("__")[2]
    given = loads(arguments)
    fields = given if isinstance(given, Mapping) else {}
    for command in commands(command_text(fields) or ("" if fields else arguments)):
        name = command.name.removeprefix("$ ")
        yield name
        yield name.split()[0]
        yield from _file(command.arguments.get("operand"))
    for name, value in fields.items():
        if "path" in name.lower() or "file" in name.lower():
            yield from _file(value)
    for path in _PATCHED.findall(arguments):
        yield from _file(path)


def _file(path: object) -> Iterator[str]:
    """A file by its path, by each end of it (`docs/api.md`, `api.md`), and by its ending (`.proto`)."""
    if isinstance(path, str) and path and len(path) < MOST_PATH:
        parts = PurePath(path).parts
        yield from ("/".join(parts[at:]) for at in range(len(parts)))
        yield PurePath(path).suffix
