"""Runs of AgentBench: `outputs/…/<model>/<task>/runs.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from explib.errors import InvalidInput
from explib_server.importers.paths import as_field, lookup, objects
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source

_NOD = re.compile(
    r"\W*(?:ok(?:ay)?|sure|yes|understood|got it|ready|i(?:'m| am)? (?:understand|ready)).{0,40}", re.IGNORECASE
)
"""A first answer that only says that the instructions were read."""


def _is_mine(document: Document, source: Source) -> bool:
    return "index" in document and "output" in document and "error" in document and "time" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    history = objects(lookup(document, "output.history"))
    if not history:
        raise InvalidInput(f"The run has no history ({document.get('error') or 'no output'}).")
    kind, model = source.path.parent.name, source.path.parent.parent.name
    status = as_field(lookup(document, "output.status"))
    yield Draft(
        trajectory=history,
        position=position,
        document=document,
        task=_task(history),
        reward=_reward(lookup(document, "output.result")),
        feedback=None if status == "completed" else status,
        group=f"agentbench:{kind}:{document['index']}",
        model=model or None,
        names=(str(document["index"]),),
    )


def _task(history: list[Document]) -> str | None:
    """The first request whose answer is more than a nod at the instructions."""
    for asked, answered in pairwise(history):
        is_nod = _NOD.fullmatch(str(answered.get("content")).strip()) is not None
        if asked.get("role") == "user" and not (is_nod and len(history) > 2):
            return as_field(asked.get("content"))
    return None


def _reward(result: object) -> object:
    """The verdict in a result, whose form differs from task to task."""
    names = ("result", "reward", "success", "score")
    if not isinstance(result, Mapping):
        return result
    return next((result[name] for name in names if isinstance(result.get(name), bool | int | float)), None)


FORMAT = PerDocument("agentbench", _is_mine, _drafts)
