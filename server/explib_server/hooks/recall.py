"""Lessons at the moment of action: at a person's prompt, before a tool call, and where a session begins."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from explib.errors import UnknownLibrary
from explib.models.libraries import Library
from explib.retrieval.entry import line_of
from explib.retrieval.retriever import INTRODUCTION, mark_of
from explib.text.words import count_words, estimate_tokens
from explib_server.application import Application
from explib_server.hooks.decisive import DecisiveLessons, Situated, names_of
from explib_server.hooks.replies import takes_context, takes_verdict
from explib_server.hooks.whose import folder_of, project_of_event
from explib_server.importers.context import is_context
from explib_server.projects.folder import working_in

MOST_TOKENS = 600
"""Of what one prompt is given, with the tag around it."""
_TAG_TOKENS = 40
LEAST_WORDS = 3
"""A shorter prompt ("yes", "go on") belongs to what was said before."""
MOST_SESSIONS = 1_000
BEGINS_ONLY = ("cursor", "vscode")
"""Clients that hand lessons on to their model only where a session begins."""
REMINDER = "A lesson from earlier graded attempts, advice and no order:"
ENFORCED = "This library enforces a lesson; follow it, then call again:"
_COMMAND = re.compile(r"[/!][\w:.-]+(?:\s|$)")
_TAG_NAME = re.compile("explib-lessons", re.IGNORECASE)  # a model reads </EXPLIB-LESSONS> as the end too
_CLIENTS_OWN = re.compile(r"<(hook_context|system-reminder|explib-lessons)\b.*?</\1>\s*", re.DOTALL)
"""What clients glue to the person's words."""


@dataclass(slots=True)
class _Session:
    """What a session was told."""

    last_prompt: str = ""
    withheld: frozenset[str] = frozenset()
    """Lessons that chance kept from the last prompt: to say them later would spoil what is measured."""
    is_held_out: bool = False
    told: set[str] = field(default_factory=set)
    """Lessons that were said before a tool call."""
    called: set[str] = field(default_factory=set)
    """What its tool calls can be named by."""


@dataclass(frozen=True, slots=True)
class _About:
    """A lesson about a tool call, in its layer."""

    library: Library
    known: Situated
    mark: str
    """Put before its id; empty for the nearest layer."""

    @property
    def name(self) -> str:
        """Tells it from the lessons of other layers."""
        return f"{self.mark}{self.known.lesson.id}"

    @property
    def line(self) -> str:
        """Its line in a prompt."""
        return line_of(self.known.lesson, self.mark)


class Recall:
    """What is said to the sessions of one person."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._decisive = DecisiveLessons(application.store)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def at_prompt(self, event: Mapping[str, object]) -> dict[str, object]:
        """The lessons that fit a prompt, tagged with their retrieval; nothing where there is nothing to say."""
        words, identity = persons_request(str(event.get("prompt") or "")), str(event.get("session") or "")
        library = await self._library(event)
        session = self._session(identity)
        if library is None or not words or words == session.last_prompt:
            return {}
        session.last_prompt = words
        room = min(library.settings.serve_tokens, MOST_TOKENS - _TAG_TOKENS)
        short = replace(library, settings=library.settings.model_copy(update={"serve_tokens": room}))
        with working_in(folder_of(event)):  # whose other layers are served too
            served = await self._application.fetch(short, words, session=identity or None)
        drawn = [("", served.retrieval), *((part.mark, part.retrieval) for part in served.farther)]
        session.withheld = frozenset(
            f"{mark}{each.experience_id}" for mark, record in drawn for each in record.servings if not each.served
        )
        session.is_held_out = served.retrieval.held_out
        has_lessons = served.text.startswith(INTRODUCTION)
        return {"context": fenced(served.text, served.retrieval.id)} if has_lessons else {}

    async def at_tool(self, event: Mapping[str, object]) -> dict[str, object]:
        """What a lesson whose situation is about this tool call says: it holds the call, or is said once a session."""
        session, library = self._session(str(event.get("session") or "")), await self._library(event)
        if library is None:
            return {}
        names = names_of(str(event.get("tool") or ""), str(event.get("arguments") or ""))
        about = [each async for each in self._about(library, event, names)]
        verdict = next((said for each in about if (said := _held(session, event, each))), None)
        session.called |= names
        if verdict is not None or not takes_context(event) or session.is_held_out:
            return verdict or {}
        for each in about:
            if each.name not in session.told | session.withheld:
                session.told.add(each.name)
                return {"context": fenced(f"{REMINDER}\n{each.line}")}
        return {}

    async def _about(
        self, library: Library, event: Mapping[str, object], names: frozenset[str]
    ) -> AsyncIterator[_About]:
        """The lessons of the project's layers about what a call can be named by, nearest first."""
        with working_in(folder_of(event)):
            farther = await self._application.farther_layers(library)
        for layer in (library, *farther):
            for known in await self._decisive.about(layer, names):
                yield _About(layer, known, "" if layer is library else mark_of(layer))

    async def at_start(self, event: Mapping[str, object]) -> dict[str, object]:
        """The library's lessons, as many as there is room for, for a client that takes none at a prompt."""
        library = await self._library(event) if event.get("client") in BEGINS_ONLY else None
        if library is None:
            return {}
        lessons = await self._application.store.revisions.experiences(library)
        active = [lesson for lesson in lessons if lesson.status == "active"]
        lines = [line_of(lesson) for lesson in sorted(active, key=lambda lesson: not lesson.pinned)]
        fitting = list(_within(lines, MOST_TOKENS - _TAG_TOKENS - estimate_tokens(INTRODUCTION)))
        return {"context": fenced("\n".join((INTRODUCTION, *fitting)))} if fitting else {}

    async def _library(self, event: Mapping[str, object]) -> Library | None:
        """The library of the folder in which the client works; None where there is none yet, or nothing is served."""
        project = await asyncio.to_thread(project_of_event, event, self._application.settings)
        if not project.captured:
            return None
        with suppress(UnknownLibrary), working_in(folder_of(event)):
            return await self._application.library(project.library)
        return None

    def _session(self, identity: str) -> _Session:
        session = self._sessions.setdefault(identity, _Session())
        self._sessions.move_to_end(identity)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return session


def persons_request(prompt: str) -> str:
    """What a person asks for in a prompt; empty for a command of the client, its own words, and a mere "go on"."""
    words = _CLIENTS_OWN.sub("", prompt).strip()
    if _COMMAND.match(words) or is_context(words) or count_words(words[:1_000]) < LEAST_WORDS:
        return ""
    return words


def _held(session: _Session, event: Mapping[str, object], about: _About) -> dict[str, object] | None:
    """Hold a call until what an enforced lesson recommends was called; once, where it names nothing that can be."""
    decision, wanted = about.library.settings.enforce.get(about.known.lesson.id), about.known.wanted
    followed = wanted & session.called if wanted else about.name in session.told
    if decision is None or followed or not takes_verdict(event, decision):
        return None
    session.told.add(about.name)
    return {"decision": decision, "reason": f"{ENFORCED} {about.line}"}


def fenced(text: str, retrieval_id: str | None = None) -> str:
    """Lessons in our tag, by which whoever reads the conversation later tells them from the person's words."""
    named = f' retrieval="{retrieval_id}"' if retrieval_id else ""
    return f"<explib-lessons{named}>\n{_TAG_NAME.sub('explib lessons', text)}\n</explib-lessons>"


def _within(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= estimate_tokens(line) + 1
        if room < 0:
            return
        yield line
