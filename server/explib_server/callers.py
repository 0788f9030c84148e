"""Who makes the call that is being answered: a client on this machine, or the holder of an access token over HTTP."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.requests import Request

from explib.models import TokenScope

Scope: TypeAlias = TokenScope
ALL_SCOPES: frozenset[Scope] = frozenset({"read", "submit", "curate", "admin", "reward"})
NAME_CHARACTERS = 100
IDENTITY_CHARACTERS = 200
CALLER_KEY = "explib.caller"
"""Where the ASGI scope of an authenticated request holds its caller."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what they may do. `libraries` None: every library."""

    name: str
    token_id: str | None
    scopes: frozenset[Scope]
    libraries: frozenset[str] | None

    def reaches(self, library: str) -> bool:
        """Whether the caller may touch the library of this name."""
        return self.libraries is None or library in self.libraries

    def identity(self, agent: str | None = None) -> str:
        """One name for one voter or submitter: the access token; without one, the agent's or the client's name."""
        return f"token {self.token_id}" if self.token_id is not None else (agent or self.name)[:IDENTITY_CHARACTERS]


LOCAL = Caller("local", None, ALL_SCOPES, None)
"""A process of this machine's user: the command line, a client over stdio that gives no name."""
_request: ContextVar[ServerRequestContext[Any, Any] | None] = ContextVar("explib_request", default=None)


async def remember_caller(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the MCP server: what runs inside knows its caller."""
    token = _request.set(ctx)
    try:
        return await call_next(ctx)
    finally:
        _request.reset(token)


def current_caller() -> Caller:
    """The caller of the request that is being answered; outside of one, and without a token, all is allowed."""
    context = _request.get()
    if context is None:
        return LOCAL
    if isinstance(context.request, Request) and (known := context.request.scope.get(CALLER_KEY)) is not None:
        return known if isinstance(known, Caller) else LOCAL
    return Caller(_client_name(context), None, ALL_SCOPES, None)


def _client_name(context: ServerRequestContext[Any, Any]) -> str:
    """As the client calls itself: at `initialize` (legacy) or with each request (modern)."""
    told = context.session.client_params
    name = "" if told is None else "".join(filter(str.isprintable, told.client_info.name)).strip()
    return name[:NAME_CHARACTERS] or LOCAL.name
