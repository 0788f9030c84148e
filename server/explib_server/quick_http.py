"""`get_experiences` over HTTP by the shortest way, for the call that every agent makes before every task.

Between the gate and the tool lie Starlette's layers and the SDK's dispatch: routes, sessions, a connection and two
cancel scopes a request, spans, the answer checked and copied. A modern call needs none of it, since it is one request
and one answer in JSON. What the SDK checks of such a request is checked here by the SDK's own functions. Whatever is
not in good order, fails or is traced goes the usual way, as if this were not here: it says what is wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.streamable_http import check_accept_headers
from mcp.server.transport_security import TransportSecurityMiddleware
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request, find_duplicated_routing_header
from mcp.types import JSONRPCRequest
from mcp.types.methods import parse_client_request
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explib.tracing import recording
from explib_server.callers import answering
from explib_server.quick_answers import CALL, TOOL, QuickAnswers, arguments_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A call for the tool in good order."""

    id: str | int
    version: str
    client_name: str
    arguments: Mapping[str, Any]


class QuickHttp:
    """An ASGI application in front of the SDK's `app`, which serves MCP at `path`."""

    def __init__(
        self, app: ASGIApp, quick: QuickAnswers, security: TransportSecurityMiddleware, most_bytes: int, path: str
    ) -> None:
        self._app = app
        self._quick = quick
        self._security = security
        self._most_bytes = most_bytes
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have it answered."""
        if (
            scope["type"] != "http"
            or scope["path"] != self._path
            or not await self._may_call(request := Request(scope, receive))
        ):
            await self._app(scope, receive, send)
            return
        body = await request.body()
        answer = await self._answer(request, body)
        if answer is None:
            await self._app(scope, _again(body, receive), send)
        else:
            await Response(answer, media_type="application/json")(scope, receive, send)

    async def _may_call(self, request: Request) -> bool:
        """Whether the head is that of a call for the tool, as modern clients send it, and in good order."""
        headers = request.headers
        size = headers.get("content-length", "")
        return (
            headers.get("mcp-name") == TOOL
            and request.method == "POST"
            and size.isdecimal()
            and int(size) <= self._most_bytes
            and not recording()
            and all(check_accept_headers(request))
            and find_duplicated_routing_header(headers.items()) is None
            and await self._security.validate_request(request, is_post=True) is None
        )

    async def _answer(self, request: Request, body: bytes) -> bytes | None:
        call = _call(request, body)
        if call is None:
            return None
        try:
            with answering(request, call.client_name):
                result = await self._quick.answer(call.arguments, call.version)
        except Exception:
            log.exception("the short way failed; the usual one is tried")
            return None
        return None if result is None else to_json({"jsonrpc": "2.0", "id": call.id, "result": result})


def _call(request: Request, body: bytes) -> Call | None:
    try:
        asked = JSONRPCRequest.model_validate_json(body)
        if asked.method != CALL or asked.params is None:
            return None
        envelope = classify_inbound_request({"method": CALL, "params": asked.params}, headers=request.headers)
        if not isinstance(envelope, InboundModernRoute):
            return None
        parse_client_request(CALL, envelope.protocol_version, asked.params)
    except ValidationError:
        return None
    arguments, client = arguments_of(asked.params), envelope.client_info
    if arguments is None or client is None:
        return None
    return Call(asked.id, envelope.protocol_version, client["name"], arguments)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was received, and then what comes."""
    received: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return received.pop() if received else await receive()

    return again
