"""The gate before the HTTP application: it checks token, scope and limits before any body is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from pydantic import AnyHttpUrl
from starlette.authentication import AuthCredentials
from starlette.types import ASGIApp, Receive, Scope, Send

from explib.errors import StorageError
from explib.settings.program import AuthMode, Settings
from explib_server.auth.callers import ANONYMOUS_ALLOWED, CALLER_KEY, SESSION_HEADER
from explib_server.auth.limits import Allowance, Kind, Limits, TooMany
from explib_server.auth.oauth import is_loopback
from explib_server.auth.requests import address, bearer, header, is_forwarded, is_stream, network
from explib_server.auth.tokens import Access, Verifier
from explib_server.http.exchange import (
    SESSION_GONE,
    TOO_LARGE,
    UNAVAILABLE,
    BodyGuard,
    ResponseRecorder,
    over_limit,
    problem,
)

HEALTH = "/health"
READY = "/ready"
OPEN = frozenset({READY, "/", "/ui", "/ui/key"})
"""Paths that need no token: they hold no data. Each request of an address counts."""
WELL_KNOWN = "/.well-known/"
NEEDED_SCOPES = ["read"]
RECHECK_SECONDS = 15.0
"""Seconds between two checks of the token of an open stream."""
DEFAULTS = Allowance(per_minute=3_000, requests=32, streams=32)
SESSION = SESSION_HEADER.encode()


def allowances(settings: Settings) -> tuple[Allowance, Allowance]:
    """For tokens and other machines, and for clients on this machine that need no token."""
    rate = settings.requests_per_minute
    return replace(DEFAULTS, per_minute=rate or DEFAULTS.per_minute), Allowance(rate, None, None)


class Admission:
    """Decides if a request needs a token, and finds its owner."""

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
        """Find the access that a bearer token's secret gives now."""
        for verifier in self._verifiers:
            if (access := await verifier.verify(secret)) is not None:
                return access
        return None

    async def open_to(self, scope: Scope) -> bool:
        """True where a request needs no token: on `auto`, from this machine while there are no tokens."""
        if self._mode != "auto":
            return self._mode == "none"
        if not is_loopback(address(scope)) or is_forwarded(scope):
            return False
        self._shut = self._shut or await self._tokens_exist()
        return not self._shut


class Gate:
    """An ASGI application around another.

    `limits` are those of tokens and those of addresses, apart: addresses are many, and must not crowd out tokens.
    `refused` is called with the status of every request that is refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        limits: tuple[Limits, Limits],
        settings: Settings,
        metadata_url: AnyHttpUrl | None,
        refused: Callable[[int], None],
    ) -> None:
        self._app = app
        self._inside = RequireAuthMiddleware(AuthContextMiddleware(app), NEEDED_SCOPES, metadata_url)
        self._admission = admission
        self._tokens, self._addresses = limits
        self._allowance, self._local_allowance = allowances(settings)
        self._most_bytes = settings.request_bytes
        self._refused = refused
        self._streams: set[anyio.CancelScope] = set()
        self._requests: set[anyio.CancelScope] = set()
        self._incomplete: set[anyio.CancelScope] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http" or scope["path"] == HEALTH or scope["path"].startswith(WELL_KNOWN):
            await self._app(scope, receive, send)
            return
        explanations = {413: TOO_LARGE.format(bytes=self._most_bytes)}
        if header(scope, SESSION):
            explanations[404] = SESSION_GONE
        answer = ResponseRecorder(send, self._refused, explanations)
        try:
            if scope["path"] in OPEN:
                self._addresses.spend(network(scope), self._allowance)
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
        allowance = (
            self._allowance
            if access is not None or not let_in or not is_loopback(address(scope))
            else self._local_allowance
        )
        limits.spend(key, allowance)
        if not let_in:
            await self._inside(scope, receive, answer)
            return
        kind: Kind = "stream" if is_stream(scope) else "request"
        app = self._app if access is None else self._inside
        with limits.slot(key, kind, allowance):
            if kind == "request":
                with self._request() as cancel_scope:
                    body = BodyGuard(receive, cancel_scope, self._incomplete)
                    await _answered(app, scope, body, answer)
            else:
                async with self._stream(None if access is None else access.token.token) as cancel_scope:
                    body = BodyGuard(receive, cancel_scope, self._incomplete)
                    await app(scope, body, answer)
            await answer.end(scope, receive, too_slow=body.too_slow)

    @contextmanager
    def _request(self) -> Iterator[anyio.CancelScope]:
        with anyio.CancelScope() as cancel_scope:
            self._requests.add(cancel_scope)
            try:
                yield cancel_scope
            finally:
                self._requests.discard(cancel_scope)

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
        for scope in (*self._streams, *self._incomplete):
            scope.cancel()

    def end_requests(self) -> None:
        """Break off what is still under way: the server can't wait for it any longer."""
        for scope in tuple(self._requests):
            scope.cancel()


async def _answered(app: ASGIApp, scope: Scope, body: BodyGuard, answer: ResponseRecorder) -> None:
    """In a session the SDK may wait for an answer that it gave to another request of the same id."""
    if not header(scope, SESSION):
        await app(scope, body, answer)
        return
    async with anyio.create_task_group() as group:
        group.start_soon(body.leave)
        await app(scope, body, answer)
        group.cancel_scope.cancel()
