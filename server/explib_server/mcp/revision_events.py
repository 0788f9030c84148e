"""Tells subscribers of every revision, also of those that other processes make."""

from __future__ import annotations

import asyncio
import logging

from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated

from explib.storage.store import Store
from explib_server.mcp.middleware import library_uri

log = logging.getLogger(__name__)
AGAIN_SECONDS = 1.0
"""The wait after a look that failed."""


class RevisionEvents:
    """Publishes `experience://{library}` whenever its revision has moved since the last look."""

    def __init__(self, store: Store, bus: InMemorySubscriptionBus) -> None:
        self._store = store
        self._bus = bus
        self._seen: dict[str, int] | None = None
        self._looking = asyncio.Lock()

    async def watch(self) -> None:
        """Look until cancelled. What was there at the first look is not news."""
        async with self._store.database.changes() as changed:
            while True:
                try:
                    await self.look()
                    await changed()
                except Exception:  # the outermost loop: the next look catches up
                    log.exception("could not look for new revisions")
                    await asyncio.sleep(AGAIN_SECONDS)

    async def look(self) -> None:
        """Publish what changed."""
        async with self._looking:
            current = await self._revisions()
            seen = current if self._seen is None else self._seen
            changed = [name for name, revision in current.items() if revision > seen.get(name, 0)]
            self._seen = current
        for name in changed:
            await self._bus.publish(ResourceUpdated(uri=library_uri(name)))

    async def _revisions(self) -> dict[str, int]:
        return {library.name: library.revision for library in await self._store.libraries.all()}
