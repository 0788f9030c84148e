"""The seam between the worlds and a learner, and today's learner behind it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from explib_learner.contrast.analyst import ContrastAnalyst

from explib.models.groups import GradedGroup, Group
from explib.models.libraries import Library, LibrarySettings
from explib.models.trajectories import Attempt
from explib_learner.analyst import Batch


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
        """What it is called in tables."""

    def learn(self, attempts: Sequence[Attempt]) -> Sequence[Learned]:
        """The lessons that these attempts teach."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """The contrast analyst: event statistics over groups, lessons without a decision behind them."""

    name: str = "contrast"

    def learn(self, attempts: Sequence[Attempt]) -> list[Learned]:
        """The lessons that it would add to an empty library. Lone attempts are no groups: it learns nothing of them."""
        groups = tuple(_groups(attempts))
        batch = Batch(Library(1, "measured", LibrarySettings(), 0, 0.0), (), groups, groups)
        analyst = ContrastAnalyst()
        found = asyncio.run(analyst.advantages(batch)).operations
        added = asyncio.run(analyst.consolidate(batch, found)).operations
        return [Learned(f"L{at}", each.content or "", each.status == "active") for at, each in enumerate(added)]


LEARNERS: dict[str, Learner] = {"contrast": Contrast()}
"""Name on the command line → learner."""


def _groups(attempts: Sequence[Attempt]) -> list[GradedGroup]:
    by_id: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.trajectory.reward is not None:
            by_id[attempt.trajectory.group_id].append(attempt)
    return [
        GradedGroup(Group(key, key, one[0].trajectory.task, "ready", "", len(one), len(one), 1), tuple(one))
        for key, one in by_id.items()
        if len(one) > 1
    ]
