"""Attempts: the newest ones, and one of them with its steps, a slice at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import get_args

from explib.errors import InvalidInput, UnknownRetrieval
from explib.models.libraries import Library
from explib.models.trajectories import Step, Trajectory
from explib.storage.trajectories.browsing import Kind
from explib_server.application import Application
from explib_server.page.ask import Ask, Fields
from explib_server.render.bounds import clipped

TASK_CHARACTERS = 300
STEP_CHARACTERS = 4_000
"""Of one text or argument list among several steps."""
WHOLE_CHARACTERS = 200_000
"""Of a step that is asked for alone."""


async def attempts(application: Application, library: Library, ask: Ask) -> Fields:
    """A page, newest first: `after` is the last id of the page before, `show` a kind, `query` a part of the task."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    kind = next((each for each in kinds if each == ask.show), None)
    if ask.show and kind is None:
        raise InvalidInput(f"show is {ask.show[:40]!r}: pass one of {', '.join(kinds)}.")
    listed = application.store.attempts
    found = await listed.page(library, ask.limit + 1, ask.after or None, kind, ask.query)
    shown = found[: ask.limit]
    names = [each.retrieval_id for each in shown if each.retrieval_id is not None]
    served = await listed.served_in(library, names) if names else {}
    rows = [{**head(each), "served": served.get(each.retrieval_id or "", [])} for each in shown]
    return {"attempts": rows, "next": shown[-1].id if len(found) > ask.limit else ""}


async def attempt(application: Application, library: Library, ask: Ask) -> Fields:
    """One attempt: `after` steps are passed over; a limit of 1 gives one step whole. Raises UnknownTrajectory."""
    found = await application.store.trajectories.get(library, ask.id)
    start = ask.number("after", 0)
    most = WHOLE_CHARACTERS if ask.limit == 1 else STEP_CHARACTERS
    part = found.steps[start : start + ask.limit]
    trajectory = found.trajectory
    return {
        **head(trajectory),
        "task": trajectory.task[:WHOLE_CHARACTERS],
        "answer": (trajectory.answer or "")[:STEP_CHARACTERS],
        "ground_truth": (trajectory.ground_truth or "")[:STEP_CHARACTERS],
        "feedback": (trajectory.feedback or "")[:STEP_CHARACTERS],
        "redactions": trajectory.redactions,
        "total": len(found.steps),
        "start": start,
        "steps": [step(each, most) for each in part],
        "served": await _served(application, library, trajectory),
    }


def head(trajectory: Trajectory) -> Fields:
    """An attempt in a line."""
    return {
        "id": trajectory.id,
        "task": clipped(trajectory.task, TASK_CHARACTERS),
        "group": trajectory.group_id,
        "reward": trajectory.reward,
        "reward_source": trajectory.reward_source,
        "agent": trajectory.agent,
        "model": trajectory.model,
        "at": trajectory.created_at,
    }


def step(each: Step, most: int) -> Fields:
    """One step; `cut` counts the characters that are left out of its text."""
    calls = [{"name": call.name, "arguments": _arguments(call.arguments)[:most]} for call in each.calls]
    return {
        "role": each.role,
        "text": each.text[:most],
        "cut": max(0, len(each.text) - most),
        "calls": calls,
        "error": each.is_error,
    }


def _arguments(arguments: object) -> str:
    return json.dumps(arguments, ensure_ascii=False)


async def _served(application: Application, library: Library, trajectory: Trajectory) -> Sequence[Fields]:
    """The lessons that it was shown, as they read now."""
    if trajectory.retrieval_id is None:
        return []
    try:
        retrieval = await application.store.retrievals.get(library, trajectory.retrieval_id)
    except UnknownRetrieval:  # its record was lost with the process that made it; the attempt was kept
        return []
    ids = {serving.experience_id: serving for serving in retrieval.servings}
    found = await application.store.revisions.experiences(library, retired=True, ids=ids) if ids else []
    return [{"id": each.id, "content": each.content, "served": ids[each.id].served} for each in found]
