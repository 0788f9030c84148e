"""ATIF trajectories, versions 1.0 to 1.8: `{schema_version, agent, steps}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explib.errors import InvalidInput
from explib_server.importers.paths import lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source

_CONVERTERS_WORDS = re.compile(r"Executed \S+( \S+)?")
"""What a converter writes as the message of a step that only calls tools."""


def _is_mine(document: Document, source: Source) -> bool:
    return str(document.get("schema_version")).startswith("ATIF") and "steps" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    yield Draft(
        trajectory=steps_of(document),
        position=position,
        document=document,
        agent=text_at(document, "agent.name"),
        model=text_at(document, "agent.model_name"),
        names=(str(document.get("session_id")),),
    )


def steps_of(document: object) -> list[Document]:
    """The steps of the attempt itself: none of side agents, none repeated from an earlier context."""
    steps = objects(lookup(document, "steps"))
    if not steps:
        raise InvalidInput("The trajectory has no steps.")
    return [_step(step) for step in steps if _is_own(step)]


def _is_own(step: Document) -> bool:
    return not (lookup(step, "extra.is_sidechain") or step.get("is_copied_context"))


def _step(step: Document) -> Document:
    message = step.get("message")
    is_made_up = step.get("tool_calls") and isinstance(message, str) and _CONVERTERS_WORDS.fullmatch(message)
    return {**step, "message": ""} if is_made_up else step


FORMAT = PerDocument("atif", _is_mine, _drafts)
