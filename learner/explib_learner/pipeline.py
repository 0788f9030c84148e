"""One learning run: claim → analyse → check → apply, under the lease of its library."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explib.errors import AnswerPending, Conflict, RevisionConflict
from explib.models.experiences import Experience
from explib.models.groups import RETRIED, Group, Postponement
from explib.models.learning import Cost, Lease
from explib.models.libraries import Library
from explib.models.revisions import LEARNER, Change, Operation, ProposedOperation, Refusal
from explib.retrieval.embedding import Embedder
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.store import Store
from explib.tasks import run_to_completion
from explib.text.words import number_of
from explib_learner.analysis import Analyser, Analysis
from explib_learner.analyst import Analyst, Batch, Failure
from explib_learner.checks.held_back import held_back
from explib_learner.checks.merging import reject_unsourced
from explib_learner.checks.operations import check_operations
from explib_learner.checks.rejected_before import Rejection, earlier_rejections, reject_repeats
from explib_learner.checks.voted_down import reject_voted_down
from explib_learner.claims import Claim, Claims, ClaimsGroups
from explib_learner.lifecycle import Lifecycle
from explib_learner.share import within_share

log = logging.getLogger(__name__)

HISTORY_ATTEMPTS = 5_000
"""Attempts that a run draws on, the newest."""
HISTORY_BYTES = 32 * 1024 * 1024
"""Of those attempts as stored, which is compressed."""
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
    waiting: tuple[ProposedOperation, ...] = ()
    """What waits for a person's decision."""

    @property
    def outage(self) -> bool:
        """Nothing was learned, and the groups are not to blame: the next batch would fare no better."""
        return not self.learned and not any(failure.counts for failure in self.failures)

    @property
    def idle(self) -> bool:
        """Nothing was ready."""
        return not self.learned and not self.failures


class Pipeline:
    """Learns a library's ready groups with one analyst, under a lease that the caller holds.

    `embedder` tells what says nearly the same as a lesson that was voted down or merged, and which deeds bear a lesson
    out in other words; without one, common terms do.
    `claims` gives each run its groups; without one, they are claimed in the database.
    """

    def __init__(
        self,
        store: Store,
        analyst: Analyst,
        embedder: Embedder | None = None,
        claims: ClaimsGroups | None = None,
    ) -> None:
        self._store = store
        self._analyst = analyst
        self._embedder = embedder
        self._claims = claims or Claims(store)
        self._analyser = Analyser(analyst)

    async def run(self, library: Library, lease: Lease) -> Run:
        """One batch, after what rewards decide.

        Raises LeaseLost where another worker took over (what was paid for is stored by then), and AnswerPending where
        the analyst is asked and has not answered yet.
        """
        await Lifecycle(self._store).look(library)
        claim = await self._claims.take(library, lease, self._analyst.batch_groups)
        try:
            run = await self._learn(library, claim, lease)
        except (asyncio.CancelledError, Conflict, AnswerPending):
            await run_to_completion(self._claims.give_back(library, claim.groups))
            raise
        await self._claims.close(library, lease)
        return run

    async def _learn(self, library: Library, claim: Claim, lease: Lease) -> Run:
        claimed = claim.groups
        batch = await self._batch(library, [each for each in claimed if each.tries <= MAX_TRIES], claim.experiences)
        analysis = await self._analysed(batch) if batch.groups else Analysis()
        failures = (*analysis.failures, *_unreadable(claimed, batch), *_exhausted(claimed))
        await self._postpone(library, claimed, failures, lease)
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
            waiting=committed.waiting,
        )

    async def preview(self, library: Library) -> Analysis:
        """What a run would propose now; nothing is claimed or changed (model calls are made and recorded)."""
        ready = await self._store.groups.all(library, "ready")
        experiences = tuple(await self._store.revisions.experiences(library))
        batch = await self._batch(library, ready[: self._analyst.batch_groups], experiences)
        return await self._analyse(batch) if batch.groups else Analysis()

    async def _batch(self, library: Library, claimed: Sequence[Group], experiences: tuple[Experience, ...]) -> Batch:
        store = self._store
        return Batch(
            library=await store.libraries.get(library.name),
            experiences=experiences,
            groups=await store.groups.with_attempts(library, claimed),
            history=await store.groups.history(library, HISTORY_ATTEMPTS, HISTORY_BYTES) if claimed else (),
            codebook=tuple(await store.codebooks.entries(library)) if claimed else (),
            codes=tuple(await store.codebooks.codes(library)) if claimed else (),
        )

    async def _analysed(self, batch: Batch) -> Analysis:
        """The analysis; a defect of the analyst is a failed try of the batch's groups, with its reason."""
        try:
            return await self._analyse(batch)
        except AnswerPending:
            raise
        except Exception as error:
            log.exception("the %s analyst failed", self._analyst.name)
            reason = f"the {self._analyst.name} analyst failed: {type(error).__name__}: {error}"
            return Analysis(failures=tuple(Failure(each.group.id, reason) for each in batch.groups))

    async def _analyse(self, batch: Batch) -> Analysis:
        """The analysis with its operations checked."""
        analysis = await self._analyser.analyse(batch)
        kept, refused = await self._checked(batch, analysis.operations)
        checked = replace(analysis, operations=kept, refusals=(*analysis.refusals, *refused))
        return within_share(checked, batch)

    async def _checked(
        self, batch: Batch, operations: tuple[Operation, ...]
    ) -> tuple[tuple[Operation, ...], tuple[Refusal, ...]]:
        """The operations that may be applied, and the others with the reason against each."""
        if not operations:
            return (), ()
        attempts = {attempt.trajectory.id: attempt for attempt in batch.history}
        kept, refused = await asyncio.to_thread(
            check_operations, operations, batch.experiences, attempts, batch.library.settings
        )
        kept = await held_back(kept, batch.experiences, attempts, self._embedder)
        kept, repeated = reject_repeats(kept, await self._earlier_rejections(batch.library))
        votes = await self._store.votes.judged(batch.library)
        kept, outvoted = await reject_voted_down(kept, votes, self._embedder)
        kept, unsourced = await reject_unsourced(kept, batch.experiences, self._embedder)
        return kept, (*refused, *repeated, *outvoted, *unsourced)

    async def _earlier_rejections(self, library: Library) -> tuple[Rejection, ...]:
        proposals = await self._store.proposals.all(library, "waiting", "rejected")
        experiences = await self._store.revisions.experiences(library, retired=True)
        return earlier_rejections(proposals, experiences, review=library.settings.review)

    async def _postpone(
        self, library: Library, claimed: Sequence[Group], failures: tuple[Failure, ...], lease: Lease
    ) -> None:
        groups = {group.id: group for group in claimed}
        postponed = [_postponement(groups[failure.group_id], failure) for failure in failures]
        await self._store.groups.postpone(library, lease, postponed)

    async def _commit(self, batch: Batch, analysis: Analysis, learned: tuple[Group, ...], lease: Lease) -> Committed:
        """Compare-and-set; a revision made meanwhile by a person is no reason to ask the model again."""
        if not learned:
            return Committed(None, (), ())
        library = batch.library
        for tries_left in reversed(range(COMMIT_TRIES)):
            try:
                return await self._store.revisions.commit(self._proposal(library, batch, analysis, learned, lease))
            except RevisionConflict:
                current = await self._store.libraries.get(library.name)
                if current.revision == library.revision or not tries_left:
                    raise
                library = current
        raise RevisionConflict

    def _proposal(
        self, library: Library, batch: Batch, analysis: Analysis, learned: tuple[Group, ...], lease: Lease
    ) -> Proposal:
        return Proposal(
            library=library,
            cause=analysis.note or f"{number_of(len(learned), 'group')} learned",
            author=LEARNER,
            analyst=self._analyst.name,
            model=self._analyst.speaker,
            operations=analysis.operations,
            refusals=analysis.refusals,
            learned=learned,
            codebook=analysis.codebook,
            cost=analysis.cost,
            lease=lease,
            read={known.id: known.updated_revision for known in batch.experiences},
        )


def _postponement(group: Group, failure: Failure) -> Postponement:
    dead = not failure.retry or (failure.counts and group.tries >= MAX_TRIES)
    wait = BACKOFF_SECONDS * 2 ** (group.tries - 1) if failure.counts else OUTAGE_SECONDS
    reason = failure.reason if dead else f"{RETRIED}{failure.reason}"
    return Postponement(group, reason, wait, counts=failure.counts, dead=dead)


def _unreadable(claimed: Sequence[Group], batch: Batch) -> list[Failure]:
    """Groups that could not be loaded, though they have tries left."""
    loaded = {each.group.id for each in batch.groups}
    reason = "a trajectory of this group cannot be read back from the database: restore a backup"
    return [
        Failure(group.id, reason, retry=False)
        for group in claimed
        if group.tries <= MAX_TRIES and group.id not in loaded
    ]


def _exhausted(claimed: Sequence[Group]) -> list[Failure]:
    reason = f"{MAX_TRIES} tries ended without an answer: the learner died in each"
    return [Failure(group.id, reason, retry=False) for group in claimed if group.tries > MAX_TRIES]
