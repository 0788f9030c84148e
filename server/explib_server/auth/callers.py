"""Who makes the call that is being answered: a client on this machine, or the holder of an access token over HTTP.

Also the command line and the learner process ask: they don't wait for the import of MCP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from explib.errors import NotAllowed, UnknownLibrary
from explib.models.access import TokenScope

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from starlette.requests import Request

Scope: TypeAlias = TokenScope
ALL_SCOPES: frozenset[Scope] = frozenset({"read", "submit", "curate", "admin", "reward"})
NAME_CHARACTERS = 100
SESSION_HEADER = "mcp-session-id"
STDIO_SESSION = "stdio"
IDENTITY_CHARACTERS = 200
SCOPES_OF: dict[Scope, frozenset[Scope]] = {
    "read": frozenset({"read"}),
    "submit": frozenset({"read", "submit"}),
    "curate": frozenset({"read", "submit", "curate"}),
    "admin": frozenset({"read", "submit", "curate", "admin"}),
    "reward": frozenset({"reward"}),
}
"""What a token of each scope may do. A reward key only signs: it opens nothing."""
TOOLS_OF: dict[Scope, frozenset[str]] = {
    "read": frozenset({"get_experiences", "library_status", "list_experiences", "history", "list_libraries"}),
    "submit": frozenset({"submit_trajectory", "report_reward", "vote_experience"}),
    "curate": frozenset(
        {
            "add_experience",
            "edit_experience",
            "retire_experience",
            "review_experience",
            "revert",
            "learn_now",
            "next_analysis",
            "answer_analysis",
        }
    ),
}
"""The tools that need each scope; any other needs `admin`."""
_NEEDS: dict[str, Scope] = {tool: scope for scope, tools in TOOLS_OF.items() for tool in tools}
CALLER_KEY = "explib.caller"
"""Where the ASGI scope of a request holds its caller, or ANYBODY where no token is needed."""
ANONYMOUS_ALLOWED = "anybody"
LISTEN = "subscriptions/listen"


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

    def may_call(self, tool: str) -> bool:
        """Whether the caller's scopes are enough for this tool."""
        return _NEEDS.get(tool, "admin") in self.scopes

    def check_tool(self, tool: str) -> None:
        """Raises NotAllowed for a tool that needs another scope."""
        if not self.may_call(tool):
            raise NotAllowed(
                f"{tool[:60]} needs a token of scope {_NEEDS.get(tool, 'admin')}, this one has "
                f"{', '.join(sorted(self.scopes)) or 'none'}: ask whoever runs the server for another token."
            )

    def library(self, named: str | None, default: str) -> str:
        """The library that is meant. Raises UnknownLibrary, as if others than its own did not exist, and NotAllowed."""
        if self.libraries is None:
            return default if named is None else named
        own = sorted(self.libraries)
        if named is None and default not in own:
            if len(own) != 1:
                listed = ", ".join(own) or "none"
                raise NotAllowed(f"This token does not reach the default library: pass `library`, one of {listed}.")
            return own[0]
        chosen = default if named is None else named
        if chosen not in own:
            raise UnknownLibrary.among(chosen, own)
        return chosen

    def not_made_yet(self, library: str) -> UnknownLibrary:
        """What is wrong where a library within its reach does not exist."""
        return UnknownLibrary(
            f"Library {library!r} is named by this token, but nobody has made it yet: whoever runs the server can, by "
            f"`explib libraries create {library}`; so can a token of scope admin, by create_library."
        )


UNAUTHENTICATED = Caller("nobody", None, frozenset(), frozenset())
"""Whom a request is taken to come from that nobody has let in."""
LOCAL_USER = Caller("local", None, ALL_SCOPES, None)
"""A process of this machine's user: the command line, a client over stdio that gives no name."""


class _Asked:
    """The request that is being answered; what is asked of it several times is found out once."""

    def __init__(self, request: Any, client_name: str) -> None:
        self._given = request
        self._client_name = client_name

    @cached_property
    def request(self) -> Request | None:
        """Over HTTP the request itself."""
        if self._given is None:
            return None
        from starlette.requests import Request

        return self._given if isinstance(self._given, Request) else None

    @cached_property
    def caller(self) -> Caller:
        """Who asks."""
        if self.request is not None:
            known = self.request.scope.get(CALLER_KEY, UNAUTHENTICATED)
            if known != ANONYMOUS_ALLOWED:
                return known if isinstance(known, Caller) else UNAUTHENTICATED
        name = "".join(filter(str.isprintable, self._client_name)).strip()
        return Caller(name[:NAME_CHARACTERS] or LOCAL_USER.name, None, ALL_SCOPES, None)


_asked: ContextVar[_Asked | None] = ContextVar("explib_asked", default=None)


@contextmanager
def answering(request: Request | None, client_name: str) -> Iterator[None]:
    """What runs inside knows its caller. Over HTTP `request`; `client_name` as the client calls itself."""
    token = _asked.set(_Asked(request, client_name))
    try:
        yield
    finally:
        _asked.reset(token)


async def remember_caller(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the MCP server: what runs inside knows its caller.

    Clients say their name at `initialize` (legacy) or with each request (modern).
    """
    told = ctx.session.client_params
    with answering(ctx.request, "" if told is None else told.client_info.name):
        return await call_next(ctx)


def library_uri(name: str) -> str:
    """The resource that changes with every revision of a library."""
    return f"experience://{name}"


def current_caller() -> Caller:
    """The caller of the request that is being answered. Outside of a request, and on stdio, all is allowed."""
    asked = _asked.get()
    return LOCAL_USER if asked is None else asked.caller


def current_session() -> str | None:
    """What ties the calls of one client together: this process over stdio, an MCP session of one token over HTTP."""
    asked = _asked.get()
    if asked is None:
        return None
    if asked.request is None:
        return STDIO_SESSION
    named = asked.request.headers.get(SESSION_HEADER)
    return f"{asked.caller.token_id or ANONYMOUS_ALLOWED} {named}" if named else None


async def filter_subscriptions(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the MCP server: a subscription hears of the caller's own libraries only."""
    if ctx.method == LISTEN and ctx.params and (libraries := current_caller().libraries) is not None:
        own = {library_uri(name) for name in libraries}
        asked = ctx.params.get("notifications")
        if isinstance(asked, dict) and isinstance(uris := asked.get("resourceSubscriptions"), list):
            heard = {**asked, "resourceSubscriptions": [uri for uri in uris if uri in own]}
            return await call_next(replace(ctx, params={**ctx.params, "notifications": heard}))
    return await call_next(ctx)
