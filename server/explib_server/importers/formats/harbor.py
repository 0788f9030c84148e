"""Jobs of Harbor (Terminal-Bench 2): a folder with a folder for each trial, its trajectory in ATIF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.importers.drafts import digest
from explib_server.importers.formats.atif import steps_of
from explib_server.importers.paths import as_field, lookup, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source, read_json

_TRAJECTORY = "agent/trajectory.json"


def _is_mine(document: Document, source: Source) -> bool:
    is_job = "n_total_trials" in document and "stats" in document
    return source.path.name == "result.json" and (is_job or _is_trial(document))


def _is_trial(document: object) -> bool:
    return isinstance(document, Mapping) and "trial_name" in document and "task_name" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    folder = source.path.parent
    source.run.claimed.update(path for path in folder.iterdir() if path != source.path)
    if _is_trial(document):
        yield _draft(document, folder)
        return
    results = [(path.parent, read_json(path)) for path in sorted(folder.glob("*/result.json"))]
    trials = [(path, result) for path, result in results if isinstance(result, Mapping) and _is_trial(result)]
    for path, result in sorted(trials, key=lambda trial: _reward(trial[1], trial[0]) is None):  # graded ones first
        yield or_bad(str(result.get("trial_name")), _draft, result, path)


def _reward(result: Document, folder: Path) -> object:
    """The verifier's rewards, which it also leaves in files of its own."""
    rewards = lookup(result, "verifier_result.rewards")
    if not isinstance(rewards, Mapping):
        rewards = read_json(folder / "verifier" / "reward.json")
    if rewards is None:
        return read_json(folder / "verifier" / "reward.txt")
    return rewards.get("reward", rewards) if isinstance(rewards, Mapping) else rewards


def _draft(result: Document, folder: Path) -> Draft:
    problem = ": ".join(
        filter(None, (text_at(result, f"exception_info.exception_{name}") for name in ("type", "message")))
    )
    trajectory = read_json(folder / _TRAJECTORY)
    if trajectory is None:
        raise InvalidInput(f"The trial has no {_TRAJECTORY}" + (f" ({problem})." if problem else "."))
    task = text_at(result, "task_checksum") or as_field(result.get("task_id")) or str(result.get("task_name"))
    return Draft(
        trajectory=steps_of(trajectory),
        position=str(result.get("trial_name")),
        document=result,
        trial=f"harbor:{result.get('id')}:{result.get('trial_name')}",
        reward=_reward(result, folder),
        reward_at="verifier_result.rewards",
        feedback=problem or None,
        group=f"harbor:{result.get('task_name')}:{digest(task)}",
        agent=text_at(result, "agent_info.name") or as_field(lookup(trajectory, "agent.name")),
        model=text_at(result, "agent_info.model_info.name") or as_field(lookup(trajectory, "agent.model_name")),
        names=(str(result.get("trial_name")), str(result.get("id"))),
    )


FORMAT = PerDocument("harbor", _is_mine, _drafts)
