"""The groups of the open batch: the same in each pass, until all that is asked about them is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explib.models.experiences import Experience
from explib.models.groups import Group
from explib.models.learning import AnalysisBatch, Lease
from explib.models.libraries import Library
from explib.storage.store import Store
from explib_learner.claims import Claim


class OpenBatch:
    """Keeps a batch as it was begun, so that no answer is lost to what happens meanwhile; implements `ClaimsGroups`.

    Only what is graded while agents are at it makes its group leave the batch: it is ready for another. A try is
    counted when it has failed; a server that is killed between two answers has tried nothing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, library: Library, lease: Lease, limit: int) -> Claim:
        """What is left of the open batch, else a new one; the experiences are those of the batch's beginning."""
        batch = await self._store.steps.batch(library)
        if batch is not None:
            groups = await self.left(library, batch)
            if len(groups) < len(batch.groups):
                await self._store.steps.narrow(library, lease, batch, groups)
            if groups:
                return _claim(groups, batch.experiences)
        groups = await self._store.groups.due(library, limit)
        if not groups:
            return Claim((), ())
        experiences = await self._store.revisions.experiences(library)
        await self._store.steps.open(library, lease, groups, experiences)
        return _claim(groups, experiences)

    async def left(self, library: Library, batch: AnalysisBatch) -> list[Group]:
        """The batch's groups that still are as they were when it was begun."""
        pinned = dict(batch.groups)
        ready = await self._store.groups.still_due(library, list(pinned))
        return [group for group in ready if group.graded_version == pinned[group.id]]

    async def give_back(self, library: Library, groups: Sequence[Group]) -> None:
        """Nothing was counted."""

    async def close(self, library: Library, lease: Lease) -> None:
        """Nothing is asked any more."""
        await self._store.steps.close(library, lease)


def _claim(groups: Sequence[Group], experiences: Sequence[Experience]) -> Claim:
    counted = tuple(replace(group, tries=group.tries + 1) for group in groups)
    return Claim(counted, tuple(experiences))
