"""The seam between the pipeline and what turns groups into operations.

Implementations: `model_analyst` (an LLM, or an attached agent in its place: `agent`) and `contrast` (statistics).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from explib.models.experiences import Experience
from explib.models.groups import GradedGroup
from explib.models.learning import Cost
from explib.models.libraries import Library
from explib.models.revisions import Operation, Refusal


@dataclass(frozen=True, slots=True)
class Batch:
    """What one learning run looks at."""

    library: Library
    experiences: tuple[Experience, ...]
    """The library's experiences that are not retired."""
    groups: tuple[GradedGroup, ...]
    """The groups that became ready: what this run must learn."""
    history: tuple[GradedGroup, ...]
    """The library's groups whose rewards differ, `groups` included, for an analyst that reads them; else empty."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A group that could not be analysed in this run, and why. It is tried again later, or is dead."""

    group_id: str
    reason: str
    retry: bool = True
    """False where another try cannot help (it counts as the last one)."""
    counts: bool = True
    """False where the group is not to blame (endpoint down, budget spent): the try is not counted."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analyst makes of a batch: proposals, what its own checks refused, what failed, what it cost."""

    operations: tuple[Operation, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    failures: tuple[Failure, ...] = ()
    cost: Cost = Cost()
    note: str = ""
    """One sentence for the revision's cause, e.g. how many events were tested."""


class Analyst(Protocol):
    """Turns graded groups into operations on a library."""

    @property
    def name(self) -> str:
        """`model`, `agent` or `contrast`."""
        ...

    @property
    def model(self) -> str | None:
        """Which model speaks, or None."""
        ...

    @property
    def batch_groups(self) -> int:
        """Most groups of one batch."""
        ...

    @property
    def reads_history(self) -> bool:
        """Whether `Batch.history` is used; where not, it is left empty."""
        ...

    async def advantages(self, batch: Batch) -> Analysis:
        """The semantic advantage of each group, as operations that cite the attempts they rest on."""
        ...

    async def consolidate(self, batch: Batch, operations: tuple[Operation, ...]) -> Analysis:
        """The batch's checked operations against the whole library: merged, without conflicts."""
        ...
