"""When a group is ready to be learned, and the sentence that says why it is not."""

from __future__ import annotations

import hashlib

from explib.models.groups import GroupState
from explib.text.words import normalise_task


def group_key(task: str, group: str | None) -> str:
    """The key under which attempts meet: the given group, else the normalised task text."""
    return f"group:{group.strip()}" if group and group.strip() else f"task:{normalise_task(task)}"


def group_id(library_id: int, key: str) -> str:
    """The same library and key always give the same id, in every process."""
    return "g_" + hashlib.sha256(f"{library_id}\0{key}".encode()).hexdigest()[:20]


def readiness(kept: int, pruned: int = 0) -> tuple[GroupState, str]:
    """`ready` or `waiting`, with the reason: an attempt is learned from alone or with others, graded or not.

    `kept` counts the attempts whose steps can still be read, `pruned` the others.
    """
    if not kept:
        return "waiting", f"the steps of its {pruned} attempts are pruned: submit another attempt"
    return "ready", "waits for the learner"
