"""Rewards that stand in another file than the attempts: tables, maps, and reports of SWE-bench."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from explib.errors import InvalidInput
from explib_server.importers.paths import lookup
from explib_server.importers.rewards import find_reward, reward_of

ID_FIELDS = ("instance_id", "id", "task_id", "trial_id", "sample_id", "example_id", "name", "key")
"""Fields that name an attempt where `--score-key` names none."""
_RESOLVED = {"generated": 0.0, "no_generation": 0.0, "unresolved_ids": 0.0, "empty_patch_ids": 0.0, "resolved": 1.0,
             "resolved_ids": 1.0}  # fmt: skip
"""Lists of a report with what they say of their instances: those of runs, and of the published experiments."""


def is_report(document: object) -> bool:
    """Tell a report of SWE-bench (of a run, or of one instance) by its fields."""
    if not isinstance(document, Mapping):
        return False
    values = list(document.values())
    listed = isinstance(document.get("resolved"), list) and isinstance(document.get("generated"), list)
    single = len(values) == 1 and isinstance(values[0], Mapping) and isinstance(values[0].get("resolved"), bool)
    return single or listed or isinstance(document.get("resolved_ids"), list)


@dataclass(slots=True)
class Scores:
    """The rewards by the name of their attempt."""

    rewards: dict[str, float] = field(default_factory=dict)

    def of(self, names: Iterable[str]) -> float | None:
        """The reward of the attempt with one of these names."""
        return next((self.rewards[name] for name in names if name in self.rewards), None)

    def add(self, document: object, reward_field: str | None, score_key: str | None) -> None:
        """Take the rewards of one document: a report, a row with an id, or a map from ids. Raises InvalidInput."""
        if not isinstance(document, Mapping):
            raise InvalidInput(f"The scores hold {type(document).__name__} where an object is needed.")
        if is_report(document):
            self._add_report(document)
            return
        fields = (score_key,) if score_key else ID_FIELDS
        name = next((lookup(document, key) for key in fields if lookup(document, key) is not None), None)
        if name is not None and not isinstance(name, Mapping | list):
            self._put(str(name), find_reward(document, reward_field))
            return
        for key, value in document.items():
            nested = value if reward_field is not None and isinstance(value, Mapping) else None
            self._put(str(key), reward_of(value, str(key)) if nested is None else find_reward(nested, reward_field))

    def _add_report(self, report: Mapping[str, object]) -> None:
        for name, reward in _RESOLVED.items():
            ids = report.get(name)
            for instance in ids if isinstance(ids, list) else ():
                self._put(str(instance), reward)
        for instance, verdict in report.items():
            if isinstance(verdict, Mapping) and isinstance(verdict.get("resolved"), bool):
                self._put(str(instance), float(bool(verdict["resolved"])))

    def _put(self, name: str, reward: float | None) -> None:
        if reward is not None:
            self.rewards[name] = reward
