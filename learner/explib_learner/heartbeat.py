"""A lease that is kept as long as a piece of work runs, and work that ends when its lease is lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from explib.errors import LeaseLost, StorageError
from explib.models.learning import Lease
from explib.storage.store import Store
from explib.tasks import cancel_and_wait

log = logging.getLogger(__name__)


@asynccontextmanager
async def heartbeat(store: Store, lease: Lease, seconds: float) -> AsyncIterator[None]:
    """Prolongs the lease by `seconds` while the body runs; losing it cancels the body and raises LeaseLost."""
    body = asyncio.current_task()
    beating = asyncio.create_task(_beat(store, lease, seconds), name=f"heartbeat {lease.name}")
    if body is not None:
        beating.add_done_callback(lambda beat: None if beat.cancelled() else body.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if beating.done() and body is not None and body.uncancel() == 0:
            raise LeaseLost from None
        raise
    finally:
        await cancel_and_wait(beating)


async def _beat(store: Store, lease: Lease, seconds: float) -> None:
    """Returns when the lease is lost: taken by another, or not prolonged before it ran out."""
    kept_until = time.monotonic() + seconds
    while time.monotonic() < kept_until:
        await asyncio.sleep(seconds / 3)
        asked = time.monotonic()
        try:
            if not await store.leases.prolong(lease, seconds):
                return
            kept_until = asked + seconds
        except StorageError:
            log.exception("the lease %s could not be prolonged yet", lease.name)
