"""Wrappers of `receive` and `send`: bodies that never complete, answers that are cut off or refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import anyio
from anyio.lowlevel import checkpoint
from mcp.types import INVALID_REQUEST, ErrorData, JSONRPCError
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from explib_server.auth.limits import TooMany

OVER_LIMIT = -32_000
UNAVAILABLE = -32_001
STOPPING = "The server is being stopped: ask again in a moment."
TOO_SLOW = "The request's body did not arrive in time: send it again, faster or in smaller parts."
TOO_LARGE = "The request has more than {bytes:,} bytes (by EXPLIB_MAX_TRAJECTORY_BYTES): send less at once."
SESSION_GONE = (
    "This session has ended, e.g. because the server was restarted: send `initialize` again, without Mcp-Session-Id."
)
IDLE_SECONDS = 15.0
"""A body of which nothing arrives for so long is given up."""
BODY_SECONDS = 300.0
"""A body that is not complete by then is given up."""
REFUSALS = frozenset({401, 403, 408, 413, 421, 429, 503})


class BodyGuard:
    """Wraps `receive`: cancels the request if its client disconnects before the body is complete.

    Until then the request is among `incomplete`, whose owner may cancel it too: nothing was done for it yet.
    """

    def __init__(self, receive: Receive, request: anyio.CancelScope, incomplete: set[anyio.CancelScope]) -> None:
        self._receive = receive
        self._request = request
        self._incomplete = incomplete
        self._whole = anyio.Event()
        self._deadline = anyio.current_time() + BODY_SECONDS
        self.too_slow = False
        """True where the body did not arrive in time."""

    async def __call__(self) -> Message:
        """The next ASGI message."""
        if self._whole.is_set():
            return await self._receive()
        self._incomplete.add(self._request)
        message: Message = {"type": "http.disconnect"}
        try:
            with anyio.move_on_at(min(self._deadline, anyio.current_time() + IDLE_SECONDS)) as waiting:
                message = await self._receive()
            self.too_slow = waiting.cancelled_caught
        finally:
            self._incomplete.discard(self._request)
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


class ResponseRecorder:
    """Wraps `send`: counts refusals, and explains the SDK's plain ones (status → text) by a JSON-RPC error."""

    def __init__(self, send: Send, refused: Callable[[int], None], explanations: Mapping[int, str]) -> None:
        self._send = send
        self._refused = refused
        self._explanations = explanations
        self._replaced = False
        self._started = self._open = False

    async def __call__(self, message: Message) -> None:
        """Pass on one ASGI message."""
        if message["type"] == "http.response.start":
            if message["status"] in REFUSALS:
                self._refused(message["status"])
            if (explanation := self._explanations.get(message["status"])) is not None:
                await self._replace(message["status"], explanation)
                return
            self._started = self._open = True
        elif message["type"] == "http.response.body":
            if self._replaced:
                return
            self._open = bool(message.get("more_body"))
        await self._send(message)

    async def end(self, scope: Scope, receive: Receive, *, too_slow: bool) -> None:
        """Close an answer that was cut off; one that was not even begun says why."""
        if self._open:
            await self({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._started and not self._replaced:
            headers = {"Retry-After": "5", "Connection": "close"}
            refusal = (408, INVALID_REQUEST, TOO_SLOW) if too_slow else (503, UNAVAILABLE, STOPPING)
            await problem(*refusal, headers)(scope, receive, self)

    async def _replace(self, status: int, explanation: str) -> None:
        self._replaced = True
        response = problem(status, INVALID_REQUEST, explanation)
        start = {"type": "http.response.start", "status": status, "headers": response.raw_headers}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": response.body})


def problem(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An HTTP error whose body is a JSON-RPC error, so that MCP clients show its message."""
    body = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=message))
    text = body.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(text, status_code=status, headers=headers, media_type="application/json")


def over_limit(error: TooMany) -> Response:
    """429, with the seconds after which it is worth another try."""
    return problem(429, OVER_LIMIT, str(error), {"Retry-After": str(max(1, math.ceil(error.seconds)))})
