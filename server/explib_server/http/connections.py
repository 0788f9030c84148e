"""HTTP connections with limits, which uvicorn lacks: their number, and the time until a request's head is complete.

This builds on uvicorn's `H11Protocol`, whose `connections`, `cycle` and `transport` are not documented: the tests of
this module fail where they change.
"""

from __future__ import annotations

import asyncio
import sys

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 10.0
"""A connection that has not sent a whole request head by then is closed."""
MOST_CONNECTIONS = 1_000
"""Connections of one process at once; fewer where the system allows few open files."""


def connection_limit() -> int:
    """The number of connections at once: never more than half of the files that may be open."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft // 2)


class BoundedProtocol(H11Protocol):
    """One connection."""

    head_seconds = HEAD_SECONDS
    most = connection_limit()
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; close the connection at once where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; a head that has begun must come whole."""
        super().data_received(data)
        if not self._between_requests():
            self._stop_waiting()
        elif self._head_timer is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _between_requests(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self._between_requests():
            self.transport.close()
