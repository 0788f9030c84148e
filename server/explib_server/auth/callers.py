"""The caller of the request that is being answered: a client on this machine, or an access token's holder over HTTP.

The command line and the service import this too, and must not wait for the import of MCP.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from explib.errors import NotAllowed, UnknownLibrary
from explib.models.trajectories import TOKEN_SUBMITTER
from explib_server.auth.connections import current_connection
from explib_server.auth.scopes import ALL_SCOPES, Scope, needed_scope

if TYPE_CHECKING:
    from starlette.requests import Request

NAME_CHARACTERS = 100
SESSION_HEADER = "mcp-session-id"
CALLER_KEY = "explib.caller"
"""Where the ASGI scope of a request holds its caller, or ANONYMOUS_ALLOWED where no token is needed."""
ANONYMOUS_ALLOWED = "anybody"
LISTEN = "subscriptions/listen"
"""The method of a modern subscription."""


def user_name() -> str:
    """The name of this machine's user; `local` where the user has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller with its scopes. `libraries` None: every library."""

    name: str
    token_id: str | None
    scopes: frozenset[Scope]
    libraries: frozenset[str] | None
    is_person: bool = False
    """The command line, or the holder of a token of scope curate: may pin, approve and revert. Others propose."""

    def reaches(self, library: str) -> bool:
        """True if the caller may use the library of this name."""
        return self.libraries is None or library in self.libraries

    @property
    def subject(self) -> str | None:
        """The authenticated subject: the access token; None for this machine's user, who needs none."""
        return None if self.token_id is None else f"{TOKEN_SUBMITTER}{self.token_id}"

    @property
    def submitter(self) -> str:
        """The name under which an attempt counts: the token's; without one, all at this machine are one."""
        return self.subject or LOCAL_USER.name

    @property
    def voter(self) -> str:
        """The name under which a vote counts: the token's; without one, that of the one person at this machine."""
        return self.subject or user_name()

    def may_call(self, tool: str) -> bool:
        """True if the caller's scopes permit this tool."""
        return needed_scope(tool) in self.scopes

    def check_tool(self, tool: str) -> None:
        """Raises NotAllowed for a tool that needs another scope."""
        if not self.may_call(tool):
            raise NotAllowed(
                f"{tool[:60]} needs a token of scope {needed_scope(tool)}, this one has "
                f"{', '.join(sorted(self.scopes)) or 'none'}: ask whoever runs the server for another token."
            )

    def check_person(self, act: str) -> None:
        """Raises NotAllowed for an act that is a person's decision, where an agent may have made the call."""
        if not self.is_person:
            raise NotAllowed(
                f"{act} is a person's decision, and this call may come from an agent. Propose a change with "
                "add_experience, edit_experience or retire_experience; a person decides with `explib experiences`, or "
                "over HTTP with a token of scope curate."
            )

    def library(self, requested: str | None, default: str) -> str:
        """The library that is meant. Raises UnknownLibrary, as if others than its own did not exist, and NotAllowed."""
        if self.libraries is None:
            return default if requested is None else requested
        own = sorted(self.libraries)
        if requested is None and default not in own:
            if len(own) != 1:
                listed = ", ".join(own) or "none"
                raise NotAllowed(f"This token does not reach the default library: pass `library`, one of {listed}.")
            return own[0]
        name = default if requested is None else requested
        if name not in own:
            raise UnknownLibrary.among(name, own)
        return name

    def not_made_yet(self, library: str) -> UnknownLibrary:
        """The error for a library within its reach that does not exist."""
        return UnknownLibrary(
            f"Library {library!r} is named by this token, but nobody has made it yet: whoever runs the server can, by "
            f"`explib libraries create {library}`; so can a token of scope admin, by create_library."
        )


UNAUTHENTICATED = Caller("nobody", None, frozenset(), frozenset())
"""The caller of a request that was not authenticated."""
LOCAL_USER = Caller("local", None, ALL_SCOPES, None, is_person=True)
"""A process of this machine's user: the command line, a client over stdio that gives no name."""


def shown_name(text: str) -> str:
    """A name as it is kept: what of it can be printed, up to NAME_CHARACTERS."""
    return "".join(filter(str.isprintable, text)).strip()[:NAME_CHARACTERS]


class _CurrentRequest:
    """The request that is being answered; its caller is looked up once."""

    def __init__(self, request: Any, client_name: str) -> None:
        self._transport_request = request
        self._client_name = client_name

    @cached_property
    def request(self) -> Request | None:
        """Over HTTP the request itself."""
        if self._transport_request is None:
            return None
        from starlette.requests import Request

        return self._transport_request if isinstance(self._transport_request, Request) else None

    @cached_property
    def caller(self) -> Caller:
        """The caller, from the request's token or the client's name."""
        if self.request is not None:
            caller = self.request.scope.get(CALLER_KEY, UNAUTHENTICATED)
            if caller != ANONYMOUS_ALLOWED:
                return caller if isinstance(caller, Caller) else UNAUTHENTICATED
        return Caller(shown_name(self._client_name) or LOCAL_USER.name, None, ALL_SCOPES, None)


_acting: ContextVar[Caller | None] = ContextVar("explib_acting", default=None)
_current: ContextVar[_CurrentRequest | None] = ContextVar("explib_request", default=None)


@contextmanager
def answering(request: Request | None, client_name: str) -> Iterator[None]:
    """Let the code inside know its caller. Over HTTP `request`; `client_name` as the client calls itself."""
    token = _current.set(_CurrentRequest(request, client_name))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def acting_as(caller: Caller) -> Iterator[None]:
    """Let the code inside act for this caller, whoever made the request."""
    token = _acting.set(caller)
    try:
        yield
    finally:
        _acting.reset(token)


def current_caller() -> Caller:
    """The caller of the request that is being answered; outside of a request, this machine's user."""
    if (caller := _acting.get()) is not None:
        return caller
    current = _current.get()
    return LOCAL_USER if current is None else current.caller


def current_session() -> str | None:
    """The session that ties one client's calls together: its connection over stdio, a token's MCP session over HTTP."""
    current = _current.get()
    if current is None:
        return None
    if current.request is None:
        return current_connection().session
    named = current.request.headers.get(SESSION_HEADER)
    return f"{current.caller.token_id or ANONYMOUS_ALLOWED} {named}" if named else None
