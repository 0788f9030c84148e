"""When a group is ready to be learned, and the sentence that says why it is not."""

from __future__ import annotations

import hashlib

from explib.models.groups import GroupState
from explib.models.libraries import LibrarySettings
from explib.text.words import normalise_task

SPREAD = 1e-9
"""Rewards closer together than this do not differ."""


def group_key(task: str, group: str | None) -> str:
    """The key under which attempts meet: the given group, else the normalised task text."""
    return f"group:{group.strip()}" if group and group.strip() else f"task:{normalise_task(task)}"


def group_id(library_id: int, key: str) -> str:
    """The same library and key always give the same id, in every process."""
    return "g_" + hashlib.sha256(f"{library_id}\0{key}".encode()).hexdigest()[:20]


def readiness(
    settings: LibrarySettings, graded: int, lowest: float | None, highest: float | None, pruned: int = 0
) -> tuple[GroupState, str]:
    """`ready` or `waiting`, with the reason. A group is ready when its rewards really differ.

    `graded` counts those whose steps can still be read, `lowest` and `highest` are theirs; `pruned` are the others.
    """
    if graded < settings.min_group:
        older = f" whose steps are kept (pruned: {pruned})" if pruned else ""
        return "waiting", f"{graded} of at least {settings.min_group} graded trajectories{older}"
    if lowest is None or highest is None or highest - lowest <= SPREAD:
        return "waiting", f"no contrast: all {graded} rewards are {lowest:g}"
    return "ready", "rewards differ: waits for the learner"
