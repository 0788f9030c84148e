"""The seam between the worlds and a learner, and today's learner behind it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from explib.models.decisions import Decision
from explib.models.groups import Group, GroupAttempts
from explib.models.libraries import Library, LibrarySettings
from explib.models.trajectories import Attempt
from explib_learner.analysis import Analyser
from explib_learner.analyst import Batch
from explib_learner.grammar.grammar import Grammar
from explib_learner.grammar.namer import contrast_analyst
from explib_learner.grammar.trace import trace_of


@dataclass(frozen=True, slots=True)
class Learned:
    """One lesson, with the decision behind it where there is one."""

    id: str
    text: str
    active: bool = True
    """False for a candidate."""
    code: Callable[[Attempt], bool | None] | None = None
    """The side that an attempt took, None where it did not meet the situation. Without it the text is judged."""
    better: bool = True
    """The side that the lesson advises."""


class Learner(Protocol):
    """Learns lessons from attempts: their rewards are in them, and None where nobody graded."""

    @property
    def name(self) -> str:
        """The name in tables."""

    def learn(self, attempts: Sequence[Attempt]) -> Sequence[Learned]:
        """The lessons that these attempts teach."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """The learner without a model: grammar, judge and templates, as `explib learn` runs them on an empty library."""

    name: str = "contrast"

    def learn(self, attempts: Sequence[Attempt]) -> list[Learned]:
        """The lessons that it would add, each with the decision behind it."""
        history = tuple(sorted(attempts, key=lambda attempt: attempt.trajectory.id))
        library = Library(1, "measured", LibrarySettings(), 0, 0.0)
        batch = Batch(library, (), _groups(history), history)
        analysis = asyncio.run(Analyser(contrast_analyst()).analyse(batch))
        decisions = {entry.decision.id: entry.decision for entry in analysis.codebook.entries}
        return [
            Learned(
                id=operation.decision_id or "",
                text=operation.content or "",
                active=operation.status == "active",
                code=_coder(decisions[operation.decision_id or ""]),
                better=operation.option == "a",
            )
            for operation in analysis.operations
            if operation.kind == "ADD"
        ]


LEARNERS: dict[str, Learner] = {"contrast": Contrast()}
"""Name on the command line → learner."""


def _coder(decision: Decision) -> Callable[[Attempt], bool | None] | None:
    if decision.speaks_for_itself:
        return None
    grammar = Grammar()

    def took_first(attempt: Attempt) -> bool | None:
        letter = grammar.code(decision, trace_of(attempt))
        return None if letter is None else letter == "a"

    return took_first


def _groups(attempts: Sequence[Attempt]) -> tuple[GroupAttempts, ...]:
    by_id: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_id[attempt.trajectory.group_id].append(attempt)
    return tuple(
        GroupAttempts(Group(key, key, one[0].trajectory.task, "ready", "", len(one), len(one), 1), tuple(one))
        for key, one in by_id.items()
    )
