"""The way in for a request's body, which may never come whole: who sent half of it has asked for nothing."""

from __future__ import annotations

import anyio
from anyio.lowlevel import checkpoint
from starlette.types import Message, Receive


class BodyGuard:
    """Gives what `receive` gives. `request` is broken off where its client goes away before all of it is there.

    While it is waited for it is among `unmade`, whose owner may break it off: nothing was done for it yet.
    """

    def __init__(self, receive: Receive, request: anyio.CancelScope, unmade: set[anyio.CancelScope]) -> None:
        self._receive = receive
        self._request = request
        self._unmade = unmade
        self._whole = anyio.Event()

    async def __call__(self) -> Message:
        """The next ASGI message."""
        if self._whole.is_set():
            return await self._receive()
        self._unmade.add(self._request)
        try:
            message = await self._receive()
        finally:
            self._unmade.discard(self._request)
        if message["type"] == "http.disconnect":
            self._request.cancel()
            await checkpoint()
        if not message.get("more_body", False):
            self._whole.set()
        return message

    async def leave(self) -> None:
        """Break the request off once its client goes away, also where nobody who answers looks for that."""
        await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._request.cancel()
