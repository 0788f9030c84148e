"""From what a format found to what is submitted: options, default task and answer, and the attempt's identity."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence

from explib.errors import InvalidInput
from explib.models.trajectories import RewardSource, Step
from explib.text.words import storable
from explib.trajectories import Reading, as_messages, read_trajectory
from explib_server.importers.context import is_context
from explib_server.importers.paths import lookup, text_at
from explib_server.importers.records import TOLD, Draft, Options, Record
from explib_server.importers.rewards import find_reward, reward_of
from explib_server.importers.scores import Scores

_MAX_POSITION = 200


def complete(draft: Draft, place: str, options: Options, scores: Scores) -> Record:
    """The record of a draft that stands in a file at `place`. Raises InvalidInput saying what is wrong with it."""
    given = draft.trajectory
    reading = given if isinstance(given, Reading) else read_trajectory(given, sys.maxsize)
    task = text_at(draft.document, options.task_field) if options.task_field else draft.task
    task = task if options.task_field else task or first_request(reading.steps)
    if task is None:
        named = f"no field {options.task_field!r}" if options.task_field else "no task and no message of a user"
        raise InvalidInput(f"There is {named}: name the field that holds the task with --task-field.")
    reward, reward_source = _reward(draft, options, scores)
    told = {name: getattr(draft, name) for name in TOLD}
    told |= {
        "trajectory": as_messages(reading.steps),
        "position": draft.position[-_MAX_POSITION:],
        "reward_source": reward_source,
        "answer": draft.answer if draft.says_answer else draft.answer or reading.answer,
        "group": text_at(draft.document, options.group_by) if options.group_by else draft.group,
    }
    return Record(task=task, idempotency_key=_identity(draft, place), reward=reward, **told)


def first_request(steps: Sequence[Step]) -> str | None:
    """The first words of a user that are not a client's own context."""
    said = [step.text for step in steps if step.role == "user" and step.text.strip()]
    return next((text for text in said if not is_context(text)), said[0] if said else None)


def digest(value: object) -> str:
    """A short hash of a value's JSON, the same for the same content."""
    content = json.dumps(value, ensure_ascii=True, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()[:32]


def _reward(draft: Draft, options: Options, scores: Scores) -> tuple[float | None, RewardSource]:
    """The reward, and who says it: the environment, where a file of scores or an option names it."""
    names, source = draft.names, draft.reward_source
    if options.score_key:
        key = lookup(draft.document, options.score_key)
        names = () if key is None else (str(key),)
    reward = scores.of(names)
    if reward is not None:
        source = "environment"
    elif options.reward_field is None and draft.reward is not None:
        reward = reward_of(draft.reward, draft.reward_at)
    else:
        reward = find_reward(draft.document, options.reward_field)
        source = draft.reward_source if reward is None else "environment"
    return (reward if reward is None or options.pass_if is None else options.pass_if(reward)), source


def _identity(draft: Draft, place: str) -> str:
    """The trial's own id, else the place of the attempt with a hash of what stands there: a file that was written
    anew holds new attempts. It begins with the kind of trial or the file's name, by which an import is found again.
    """
    if draft.idempotency_key is not None:
        return draft.idempotency_key
    if draft.trial is not None:
        return f"import:{draft.trial.partition(':')[0]}:{digest(draft.trial)}"
    name = storable(place.replace("\\", "/").rpartition("/")[2])[:_MAX_POSITION]
    return f"import:{name}:{digest([place, draft.position, digest(draft.trajectory)])}"
