"""Runs of SWE-agent: one `.traj` file for each instance, of all three generations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib.trajectories.values import loads
from explib_server.importers.paths import lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source


def _is_mine(document: Document, source: Source) -> bool:
    steps, said = objects(document.get("trajectory")), objects(document.get("history"))
    if said and source.suffix == ".traj" and "role" in said[0]:  # demonstrations may have nothing but this
        return True
    return "info" in document and bool(steps) and "observation" in steps[0] and "action" in steps[0]


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    replay = document.get("replay_config")
    replay = loads(replay) if isinstance(replay, str) else replay
    problem = lookup(replay, "problem_statement")
    instance = str(lookup(problem, "id") or source.path.name.partition(".")[0])
    history = objects(document.get("history"))
    text, model = lookup(problem, "text"), lookup(replay, "agent.model.name")
    yield Draft(
        trajectory=list(_messages(history)) if history else _steps(objects(document.get("trajectory"))),
        position=position,
        document=document,
        task=text if isinstance(text, str) and text.strip() else None,
        answer=text_at(document, "info.submission"),
        feedback=text_at(document, "info.exit_status"),
        group=f"swe:{instance}",
        agent="swe-agent",
        model=model if isinstance(model, str) else None,
        names=(instance, source.path.parent.name),
    )


def _messages(history: list[Document]) -> Iterator[Document]:
    """The history without demonstrations; before version 1 the calls are commands and their results a user's words."""
    asked: str | None = None
    for at, message in enumerate(history):
        if message.get("is_demo") or message.get("message_type") == "demonstration":
            continue
        role, action = message.get("role"), message.get("action")
        if role == "assistant" and isinstance(action, str) and action.strip() and not message.get("tool_calls"):
            asked = f"action-{at}"
            yield {**message, "tool_calls": [_command(action, asked)]}
        elif role == "user" and asked is not None:
            yield {**message, "role": "tool", "tool_call_id": asked}
            asked = None
        else:
            yield message


def _command(action: str, call_id: str) -> Mapping[str, object]:
    """A command line as a call: its first word is the tool."""
    return {"id": call_id, "name": action.split()[0], "arguments": {"command": action.strip()}}


def _steps(steps: list[Document]) -> list[Document]:
    """The steps where there is no history, behind what the model was told before the first one."""
    told = [message for message in objects(steps[0].get("query") if steps else None) if "role" in message]
    return [*_messages(told), *map(_step, steps)]


def _step(step: Document) -> Document:
    action = str(step.get("action") or "")
    said = {"thought": step.get("thought") or step.get("response") or "", "observation": step.get("observation")}
    return {**said, "tool_calls": [_command(action, "")]} if action.strip() else said


FORMAT = PerDocument("swe-agent", _is_mine, _drafts)
