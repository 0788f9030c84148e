"""Conversations of any common API: a document with messages, items or turns, or a bare list of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from explib.errors import InvalidInput
from explib.trajectories.conversation import BODIES, conversation, is_conversation
from explib.trajectories.messages import ROLES
from explib.trajectories.values import keys_of
from explib_server.importers.formats.own import draft_of
from explib_server.importers.paths import lookup
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source
from explib_server.importers.tables import cell

_MODELS = ("model", "model_name", "response_metadata.model_name")
_REPLIES, _TOLD = ("output", "response", "completion"), {"messages", "choices", "role"}
_FIELDS = (*BODIES, "input", "prompt", "request", "kwargs")


def _is_mine(document: Document, source: Source) -> bool:
    bodies = [cell(document.get(name)) for name in _FIELDS]
    return any(is_conversation(body) or is_conversation(lookup(body, "messages")) for body in bodies)


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    items = list(conversation({**document, **dict(_parsed(document))})[1])
    if all(isinstance(item, Mapping) and ROLES.get(str(item.get("role"))) in ("user", "system") for item in items):
        raise InvalidInput(f"Nothing in it is the agent's: it has {keys_of(document)} and no answer to the request.")
    draft = draft_of(document, items, position)
    yield replace(draft, model=draft.model or model_of(items))


def _parsed(document: Document) -> Iterator[tuple[str, object]]:
    """The fields that hold messages as JSON text; an answer that is JSON of something else stays one."""
    for name in (*_FIELDS, *_REPLIES):
        value = document.get(name)
        parsed = cell(value)
        if parsed is not value and (is_conversation(parsed) or (isinstance(parsed, Mapping) and _TOLD & parsed.keys())):
            yield name, parsed


def model_of(messages: list[object]) -> str | None:
    """The model that the last message with a model names."""
    for message in reversed(messages):
        if isinstance(message, Mapping):
            named = next((lookup(message, path) for path in _MODELS if lookup(message, path)), None)
            if isinstance(named, str):
                return named
    return None


def messages_of(value: object) -> list[object]:
    """The messages in what a tracer kept of a request: a list, a document that holds one, a message or a text.

    Raises InvalidInput where there are none.
    """
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, Mapping):
        if "role" in value:
            return [value]
        only = next(iter(value.values())) if len(value) == 1 else None
        return messages_of(only) if isinstance(only, str) else _flat(list(conversation(value)[1]))
    if isinstance(value, list):
        return _flat(value)
    raise InvalidInput("There are no messages in it.")


def _flat(messages: list[object]) -> list[object]:
    """The messages of the only request of a batch; pairs of a role and a text are messages, too."""
    batch = messages[0] if len(messages) == 1 else None
    if isinstance(batch, list) and not _is_pair(batch):
        messages = batch
    return [_message(item) for item in messages]


def _message(item: object) -> object:
    return {"role": item[0], "content": item[1]} if isinstance(item, list) and _is_pair(item) else item


def _is_pair(item: list[object]) -> bool:
    return len(item) == 2 and str(item[0]).lower() in ROLES and isinstance(item[1], str)


FORMAT = PerDocument("chat", _is_mine, _drafts, is_strict=False)
