"""The gate in front of the HTTP application: who asks, may they, is it too much? Settled before any body is read."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from mcp.types import INVALID_REQUEST, ErrorData, JSONRPCError
from pydantic import AnyHttpUrl
from starlette.authentication import AuthCredentials
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explib.errors import StorageError
from explib.settings.program import AuthMode, Settings
from explib_server.auth.callers import ANONYMOUS_ALLOWED, CALLER_KEY, LISTEN, SESSION_HEADER
from explib_server.auth.limits import Allowance, Kind, Limits, TooMany
from explib_server.auth.oauth import is_loopback
from explib_server.auth.tokens import Access, Verifier
from explib_server.http.body import BodyGuard

HEALTH = "/health"
READY = "/ready"
WELL_KNOWN = "/.well-known/"
NEEDED_SCOPES = ["read"]
RECHECK_SECONDS = 15.0
"""How often the token of an open stream is looked at again."""
DEFAULTS = Allowance(per_minute=3_000, requests=32, streams=32)
OVER_LIMIT = -32_000
UNAVAILABLE = -32_001
STOPPING = "The server is being stopped: ask again in a moment."
REFUSALS = frozenset({401, 403, 413, 421, 429, 503})
FORWARDED = (b"forwarded", b"x-forwarded-for")
SESSION = SESSION_HEADER.encode()


def allowances(settings: Settings) -> tuple[Allowance, Allowance]:
    """For tokens and other machines, and for clients on this machine that need no token."""
    given = (settings.requests_per_minute, settings.concurrent_requests, settings.open_streams)
    defaults = (DEFAULTS.per_minute, DEFAULTS.requests, DEFAULTS.streams)
    return Allowance(*(mine or default for mine, default in zip(given, defaults, strict=True))), Allowance(*given)


class Admission:
    """Whether a request needs a token, and whose it is."""

    def __init__(
        self,
        mode: AuthMode,
        verifiers: tuple[Verifier, ...],
        tokens_exist: Callable[[], Awaitable[bool]],
    ) -> None:
        self._mode = mode
        self._verifiers = verifiers
        self._tokens_exist = tokens_exist
        self._shut = False

    async def access(self, secret: str) -> Access | None:
        """What the secret of a bearer token gives now."""
        for verifier in self._verifiers:
            if (access := await verifier.verify(secret)) is not None:
                return access
        return None

    async def open_to(self, scope: Scope) -> bool:
        """Whether a request without a token is let in: on `auto`, from this machine while there are no tokens."""
        if self._mode != "auto":
            return self._mode == "none"
        if not is_loopback(address(scope)) or any(header(scope, name) for name in FORWARDED):
            return False
        self._shut = self._shut or await self._tokens_exist()
        return not self._shut


class Gate:
    """An ASGI application around another.

    `limits` are those of tokens and those of addresses, apart: addresses are many, and must not crowd out tokens.
    `told` is called with the status of every request that is refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        limits: tuple[Limits, Limits],
        settings: Settings,
        metadata_url: AnyHttpUrl | None,
        told: Callable[[int], None],
    ) -> None:
        self._app = app
        self._inside = RequireAuthMiddleware(AuthContextMiddleware(app), NEEDED_SCOPES, metadata_url)
        self._admission = admission
        self._tokens, self._addresses = limits
        self._known, self._local = allowances(settings)
        self._most_bytes = settings.request_bytes
        self._told = told
        self._streams: set[anyio.CancelScope] = set()
        self._requests: set[anyio.CancelScope] = set()
        self._unmade: set[anyio.CancelScope] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http" or scope["path"] == HEALTH or scope["path"].startswith(WELL_KNOWN):
            await self._app(scope, receive, send)
            return
        answer = ResponseRecorder(send, self._told, self._most_bytes)
        try:
            if scope["path"] == READY:
                self._addresses.spend(network(scope), self._known)
                await self._app(scope, receive, send)
            else:
                await self._admit(scope, receive, answer)
        except TooMany as error:
            await over_limit(error)(scope, receive, answer)

    async def _admit(self, scope: Scope, receive: Receive, answer: ResponseRecorder) -> None:
        try:
            access = await self._caller(scope)
        except StorageError as error:
            await problem(503, UNAVAILABLE, str(error), {"Retry-After": "5"})(scope, receive, answer)
            return
        await self._serve(scope, receive, answer, access)

    async def _caller(self, scope: Scope) -> Access | None:
        """Write into the ASGI scope whom the request comes from, if it may come in at all."""
        secret = bearer(scope)
        access = None if secret is None else await self._admission.access(secret)
        if access is not None:
            user, credentials = AuthenticatedUser(access.token), AuthCredentials(access.token.scopes)
            scope.update({CALLER_KEY: access.caller, "user": user, "auth": credentials})
        elif secret is None and await self._admission.open_to(scope):
            scope[CALLER_KEY] = ANONYMOUS_ALLOWED
        return access

    async def _serve(self, scope: Scope, receive: Receive, answer: ResponseRecorder, access: Access | None) -> None:
        let_in = CALLER_KEY in scope
        key, limits = (
            (network(scope), self._addresses) if access is None else (str(access.caller.token_id), self._tokens)
        )
        allowance = self._known if access is not None or not let_in or not is_loopback(address(scope)) else self._local
        limits.spend(key, allowance)
        if not let_in:
            await self._inside(scope, receive, answer)
            return
        kind: Kind = "stream" if is_stream(scope) else "request"
        app = self._app if access is None else self._inside
        with limits.slot(key, kind, allowance):
            if kind == "request":
                with self._request() as under_way:
                    await _answered(app, scope, BodyGuard(receive, under_way, self._unmade), answer)
            else:
                async with self._stream(None if access is None else access.token.token) as under_way:
                    await app(scope, BodyGuard(receive, under_way, self._unmade), answer)
            await answer.end(scope, receive)

    @contextmanager
    def _request(self) -> Iterator[anyio.CancelScope]:
        with anyio.CancelScope() as under_way:
            self._requests.add(under_way)
            try:
                yield under_way
            finally:
                self._requests.discard(under_way)

    @asynccontextmanager
    async def _stream(self, secret: str | None) -> AsyncIterator[anyio.CancelScope]:
        """Breaks off the body when its token ends, or the server."""
        async with anyio.create_task_group() as group:

            async def watch(shown: str) -> None:
                while True:
                    await anyio.sleep(RECHECK_SECONDS)
                    if await self._admission.access(shown) is None:
                        group.cancel_scope.cancel()

            if secret is not None:
                group.start_soon(watch, secret)
            self._streams.add(group.cancel_scope)
            try:
                yield group.cancel_scope
            finally:
                self._streams.discard(group.cancel_scope)
            group.cancel_scope.cancel()

    def end_streams(self) -> None:
        """Break off every open stream, and what has not arrived: the server is to stop, and they would go on."""
        for scope in (*self._streams, *self._unmade):
            scope.cancel()

    def end_requests(self) -> None:
        """Break off what is still under way: the server can't wait for it any longer."""
        for scope in tuple(self._requests):
            scope.cancel()


class ResponseRecorder:
    """The way out: counts refusals, and says in JSON what the SDK says in plain words."""

    def __init__(self, send: Send, told: Callable[[int], None], most_bytes: int) -> None:
        self._send = send
        self._told = told
        self._most_bytes = most_bytes
        self._replaced = False
        self._started = self._open = False

    async def __call__(self, message: Message) -> None:
        """Pass on one ASGI message."""
        if message["type"] == "http.response.start":
            if message["status"] in REFUSALS:
                self._told(message["status"])
            if message["status"] == 413:
                await self._too_large()
                return
            self._started = self._open = True
        elif message["type"] == "http.response.body":
            if self._replaced:
                return
            self._open = bool(message.get("more_body"))
        await self._send(message)

    async def end(self, scope: Scope, receive: Receive) -> None:
        """Close an answer that was broken off; one that was not even begun says why."""
        if self._open:
            await self({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._started and not self._replaced:
            await problem(503, UNAVAILABLE, STOPPING, {"Retry-After": "5", "Connection": "close"})(
                scope, receive, self._send
            )

    async def _too_large(self) -> None:
        self._replaced = True
        said = f"The request has more than {self._most_bytes:,} bytes (EXPLIB_MAX_REQUEST_BYTES): send less at once."
        response = problem(413, INVALID_REQUEST, said)
        start = {"type": "http.response.start", "status": 413, "headers": response.raw_headers}
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


async def _answered(app: ASGIApp, scope: Scope, arriving: BodyGuard, answer: ResponseRecorder) -> None:
    """In a session the SDK may wait for an answer that it gave to another request of the same id."""
    if not header(scope, SESSION):
        await app(scope, arriving, answer)
        return
    async with anyio.create_task_group() as group:
        group.start_soon(arriving.leave)
        await app(scope, arriving, answer)
        group.cancel_scope.cancel()


def header(scope: Scope, name: bytes) -> list[str]:
    """What each header of this name says."""
    return [value.decode("latin-1") for each, value in scope["headers"] if each == name]


def bearer(scope: Scope) -> str | None:
    """The secret of the Authorization header; "" where the header is there and holds no bearer token."""
    given = header(scope, b"authorization")
    if not given:
        return None
    scheme, _, secret = given[0].partition(" ")
    return secret.strip() if len(given) == 1 and scheme.lower() == "bearer" else ""


def is_stream(scope: Scope) -> bool:
    """A GET (legacy) or `subscriptions/listen` (modern, whose header the SDK checks against the body) stays open."""
    return scope["method"] == "GET" or header(scope, b"mcp-method")[:1] == [LISTEN]


def address(scope: Scope) -> str:
    """Where the request comes from; behind a trusted proxy, as it says."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def network(scope: Scope) -> str:
    """What counts as one visitor: an IPv4 address, or the /64 that one IPv6 visitor has."""
    return _network(address(scope))


@lru_cache(maxsize=1000)
def _network(given: str) -> str:
    try:
        parsed = ip_address(given)
    except ValueError:
        return given
    return str(IPv6Address(int(parsed) >> 64 << 64)) if parsed.version == 6 else given
