"""Which groups a learning run looks at, and the library as the run sees it.

Implementations: `Claims` (for an analyst that answers in the run) and `agent.open_batch` (for one that answers later).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from explib.models.experiences import Experience
from explib.models.groups import Group
from explib.models.learning import Lease
from explib.models.libraries import Library
from explib.storage.store import Store


@dataclass(frozen=True, slots=True)
class Claim:
    """The groups of one run, this try counted in each, and the experiences that they are contrasted with."""

    groups: tuple[Group, ...]
    experiences: tuple[Experience, ...]


class ClaimsGroups(Protocol):
    """Gives a run its groups. Everything here is done under the library's learning lease, and raises LeaseLost."""

    async def take(self, library: Library, lease: Lease, limit: int) -> Claim:
        """Up to `limit` groups that are ready."""
        ...

    async def give_back(self, library: Library, groups: Sequence[Group]) -> None:
        """The run was stopped: the groups are not to blame."""
        ...

    async def close(self, library: Library, lease: Lease) -> None:
        """The run has ended: each of its groups is learned or postponed."""
        ...


class Claims:
    """Ready groups with their try counted in the database, so that one that kills its worker is counted too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, library: Library, lease: Lease, limit: int) -> Claim:
        """What has waited longest, and the library's newest experiences."""
        groups = await self._store.groups.claim(library, lease, limit)
        return Claim(tuple(groups), tuple(await self._store.revisions.experiences(library)))

    async def give_back(self, library: Library, groups: Sequence[Group]) -> None:
        """Take the tries back."""
        await self._store.groups.give_back(library, groups)

    async def close(self, library: Library, lease: Lease) -> None:
        """Nothing is left open."""
