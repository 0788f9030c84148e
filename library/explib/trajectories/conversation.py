"""Where a document keeps its conversation: the list of messages, the system prompt above it, the reply below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from explib.errors import InvalidTrajectory
from explib.trajectories.messages import ROLES
from explib.trajectories.values import ACCEPTED, as_list, first, keys_of, kind, loads

BODIES = ("messages", "steps", "contents", "conversations", "conversation", "items", "turns", "history", "traj")
"""Fields that hold a list of messages, items or steps."""
_SYSTEM = ("system", "instructions", "system_instruction", "systemInstruction", "system_instructions", "system_prompt")
_REQUESTS = ("request", "input", "prompt", "inputs", "kwargs")
"""Fields that hold what was sent to an API."""
_REPLIES = ("output", "choices", "candidates", "response", "completion")


def conversation(value: object) -> tuple[str, Sequence[object]]:
    """The items of a trajectory and the name of the field that they stand in, for errors.

    Raises InvalidTrajectory where there is no list of them.
    """
    if isinstance(value, list | tuple):
        return "trajectory", value
    if not isinstance(value, Mapping):
        raise InvalidTrajectory(f"trajectory is {kind(value)}: {ACCEPTED}.")
    request = next((value[name] for name in _REQUESTS if _is_request(value.get(name))), None)
    if isinstance(request, Mapping) and not any(name in value for name in BODIES):
        value = {**{key: item for key, item in value.items() if item is not request}, **request}
    name = next((name for name in BODIES if name in value), None)
    if name is None:
        asked = (name for name in ("input", "prompt") if name in value)
        name = next((name for name in asked if is_conversation(value[name]) or _reply(value)), None)
    if name is None:
        raise InvalidTrajectory(f"The trajectory has {keys_of(value)} and neither `messages` nor `steps`: {ACCEPTED}.")
    body = _items(value[name], name)
    return f"trajectory.{name}", [*_system(value, body), *body, *_continued(value, name, body)]


def _is_request(value: object) -> bool:
    return isinstance(value, Mapping) and any(name in value for name in (*BODIES, "input"))


def is_conversation(value: object) -> bool:
    """Tell that a value is a list of messages, items or steps, without reading them."""
    known = {"role", "type", "from", "thought", "action", "observation", "tool", "source", "lc"}
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and not known.isdisjoint(item) for item in value)
    )


def _items(body: object, name: str) -> Sequence[object]:
    if isinstance(body, str) and name in ("input", "prompt", "messages"):
        parsed = loads(body) if body.lstrip()[:1] == "[" else None
        return parsed if isinstance(parsed, list) else [{"role": "user", "content": body}]
    if not isinstance(body, list | tuple):
        raise InvalidTrajectory(f"trajectory.{name} is {kind(body)}: pass a list of messages or steps.")
    return body


def _system(value: Mapping[str, object], body: Sequence[object]) -> list[object]:
    system = first(value, _SYSTEM)
    if isinstance(system, Mapping) and "parts" in system:
        system = system["parts"]
    begins = body[0] if body else None
    is_there = isinstance(begins, Mapping) and ROLES.get(str(begins.get("role")).lower()) == "system"
    return [] if system in (None, "", []) or is_there else [{"role": "system", "content": system}]


def _reply(value: Mapping[str, object]) -> list[object]:
    """The messages that the model answered with."""
    reply = first(value, _REPLIES)
    if isinstance(reply, str):
        return [{"role": "assistant", "content": reply}]
    if isinstance(reply, Mapping):
        return [reply] if "role" in reply else _reply(reply)
    items = [_of_choice(item) for item in as_list(reply)]
    chosen = items[:1] if "choices" in value and reply is value["choices"] else items
    return [item for item in chosen if isinstance(item, Mapping)]


def _of_choice(item: object) -> object:
    """The message in a choice of OpenAI or a candidate of Google."""
    inner = item.get("message") or item.get("content") if isinstance(item, Mapping) and "role" not in item else None
    return inner if isinstance(inner, Mapping) else item


def _continued(value: Mapping[str, object], name: str, body: Sequence[object]) -> list[object]:
    """The reply, where the list does not end with it already."""
    if name not in ("messages", "contents", "input", "prompt"):
        return []
    last = body[-1] if body else None
    said = isinstance(last, Mapping) and ROLES.get(str(last.get("role")).lower()) == "assistant"
    return [] if said and name in ("messages", "contents") else _reply(value)
