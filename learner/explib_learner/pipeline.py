"""One learning run: claim → semantic advantage → consolidate → apply. The only place that orders the steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explib.errors import RevisionConflict
from explib.models import Change, Cost, Group, Lease, Library, Refusal
from explib.storage.revisions import Committed, Proposal
from explib.storage.store import Store
from explib_learner.analyst import Analysis, Analyst, Batch, Failure

BATCH_GROUPS = 16
"""Groups learned in one run: bounds what one consolidation must read and what one crash makes wait."""
HISTORY_GROUPS = 500
"""Groups with contrast that statistics may draw on, the newest."""
MAX_TRIES = 3
BACKOFF_SECONDS = 30.0
"""The wait after a group's first failed try; it doubles with each."""
OUTAGE_SECONDS = 60.0
"""The wait where the group is not to blame: endpoint down, budget spent."""
COMMIT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Run:
    """What one learning run did."""

    library: str
    learned: int
    revision: int | None
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    failures: tuple[Failure, ...]
    cost: Cost
    note: str = ""

    @property
    def idle(self) -> bool:
        """Nothing was ready."""
        return not self.learned and not self.failures


class Pipeline:
    """Learns a library's ready groups with one analyst, under a lease that the caller holds."""

    def __init__(self, store: Store, analyst: Analyst, clock: Callable[[], float]) -> None:
        self._store = store
        self._analyst = analyst
        self._clock = clock

    async def run(self, library: Library, lease: Lease) -> Run:
        """One batch. Raises LeaseLost where another worker took over; what was paid for is stored by then."""
        claimed = await self._store.groups.claim(library, lease, BATCH_GROUPS)
        exhausted = [group for group in claimed if group.tries > MAX_TRIES]
        batch = await self._batch(library, [group for group in claimed if group.tries <= MAX_TRIES])
        analysis = await self._analyse(batch) if batch.groups else Analysis()
        crashed = tuple(
            Failure(group.id, f"{MAX_TRIES} tries ended without an answer: the learner died in each", retry=False)
            for group in exhausted
        )
        failures = (*analysis.failures, *crashed)
        await self._postpone(claimed, failures, lease)
        failed = {failure.group_id for failure in failures}
        learned = tuple(each.group for each in batch.groups if each.group.id not in failed)
        committed = await self._commit(batch, analysis, learned, lease)
        return Run(
            library=library.name,
            learned=len(learned),
            revision=committed.revision,
            changes=committed.changes,
            refusals=committed.refusals,
            failures=failures,
            cost=analysis.cost,
            note=analysis.note,
        )

    async def preview(self, library: Library) -> Analysis:
        """What a run would propose now; nothing is claimed or changed (model calls are made and recorded)."""
        ready = await self._store.groups.all(library, "ready")
        batch = await self._batch(library, ready[:BATCH_GROUPS])
        return await self._analyse(batch) if batch.groups else Analysis()

    async def _batch(self, library: Library, claimed: list[Group]) -> Batch:
        return Batch(
            library=await self._store.libraries.get(library.name),
            experiences=tuple(await self._store.revisions.experiences(library)),
            groups=await self._store.groups.graded(library, claimed),
            history=await self._store.groups.contrasting(library, HISTORY_GROUPS),
        )

    async def _analyse(self, batch: Batch) -> Analysis:
        advantages = await self._analyst.advantages(batch)
        consolidated = await self._analyst.consolidate(batch, advantages.operations)
        failures = {failure.group_id: failure for failure in (*consolidated.failures, *advantages.failures)}
        return Analysis(
            operations=consolidated.operations,
            refusals=(*advantages.refusals, *consolidated.refusals),
            failures=tuple(failures.values()),
            cost=advantages.cost + consolidated.cost,
            note=" ".join(filter(None, (advantages.note, consolidated.note))),
        )

    async def _postpone(self, claimed: list[Group], failures: tuple[Failure, ...], lease: Lease) -> None:
        groups = {group.id: group for group in claimed}
        for failure in failures:
            group = groups[failure.group_id]
            dead = not failure.retry or (failure.counts and group.tries >= MAX_TRIES)
            wait = BACKOFF_SECONDS * 2 ** (group.tries - 1) if failure.counts else OUTAGE_SECONDS
            await self._store.groups.postpone(
                group,
                lease,
                failure.reason,
                not_before=self._clock() + wait,
                counts=failure.counts,
                dead=dead,
            )

    async def _commit(self, batch: Batch, analysis: Analysis, learned: tuple[Group, ...], lease: Lease) -> Committed:
        """Compare-and-set; a revision made meanwhile by a person is no reason to ask the model again."""
        library = batch.library
        for attempt in range(COMMIT_TRIES):
            proposal = Proposal(
                library=library,
                cause=analysis.note or f"{len(learned)} groups learned",
                author="learner",
                analyst=self._analyst.name,
                model=self._analyst.model,
                operations=analysis.operations,
                refusals=analysis.refusals,
                learned=learned,
                cost=analysis.cost,
                lease=lease,
            )
            try:
                return await self._store.revisions.commit(proposal)
            except RevisionConflict:
                current = await self._store.libraries.get(library.name)
                if current.revision == library.revision or attempt == COMMIT_TRIES - 1:
                    raise
                library = current
        raise AssertionError("unreachable: the loop returns or raises")
