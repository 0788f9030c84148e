"""What an import would store: the first attempts as they would be, and the sizes of the groups."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from explib.text.redaction import redact
from explib.text.words import number_of, storable
from explib.trajectories import parse_trajectory
from explib.trajectories.readiness import group_key
from explib_learner.grammar.failures import failed
from explib_server.importers.records import Record

SHOWN = 10
"""Attempts that are shown."""
_LONGEST = 300
"""Characters of a text that is shown."""


@dataclass(slots=True)
class Preview:
    """Counts the records of a dry run."""

    number: int = 0
    groups: Counter[bytes] = field(default_factory=Counter)
    """Attempts by the hash of their group's key."""
    rewards: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> Iterator[str]:
        """Count a record; the lines that show it, while it is one of the first."""
        self.number += 1
        key = group_key(record.task, record.group)
        self.groups[hashlib.sha256(storable(key).encode()).digest()[:8]] += 1
        self.rewards["none" if record.reward is None else f"{record.reward:g}"] += 1
        if self.number <= SHOWN:
            yield from _shown(record, key)

    def summary(self) -> Iterator[str]:
        """The sizes of the groups, and the rewards."""
        sizes = Counter(self.groups.values())
        listed = ", ".join(f"{number:,} of {size:,}" for size, number in sorted(sizes.items(), reverse=True)[:10])
        rewards = ", ".join(f"{reward} ({number:,})" for reward, number in self.rewards.most_common(10))
        yield f"would store {number_of(self.number, 'attempt')} in {number_of(len(self.groups), 'group')}: {listed}"
        yield f"rewards: {rewards or 'none'}"


def _shown(record: Record, key: str) -> Iterator[str]:
    steps = parse_trajectory(record.trajectory, sys.maxsize)
    tools = Counter(call.name for step in steps for call in step.calls)
    errors = sum(step.role == "tool" and failed(step.text, flagged=step.is_error) for step in steps)
    made = ", ".join(name if number == 1 else f"{name} ({number})" for name, number in tools.items())
    yield f"{record.position}: reward {'none' if record.reward is None else f'{record.reward:g}'}, {_cut(key)}"
    yield f"  task: {_cut(record.task)}"
    yield f"  {number_of(len(steps), 'step')}, tools: {_cut(made) or 'none'}, {number_of(errors, 'error')}"
    if record.answer:
        yield f"  answer: {_cut(record.answer)}"


def _cut(text: str) -> str:
    """One line without secrets, of a length that can be read."""
    line = " ".join(redact(storable(text[: _LONGEST * 4]), personal=False)[0].split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
